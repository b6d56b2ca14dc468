B1488cpstf
r b Verrania-Court 7thWritethru TB06 31-10 588
^Verrania-Court, 7th Writethru@<
^Update:ADDS details@<
^INDEX: Justice, Courts@<
^HL:Ban on the Northern Front is lifted as the supreme court of Verrania rules
after 15 years@<
^By Ada Roe@<
^THE MERIDIAN PRESS@<
	   VESSPORT _ The supreme court of Verrania lifted its ban on Friday.<
	   The front was listed in 2003.<
16:35ET 31-10-14<

