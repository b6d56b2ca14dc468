W2347?_asian
r i?? BC-AS--Verrania-CourtRul 1stLd-Writethru   05-09 0144
?^BC-AS--Verrania-Court Ruling, 1st Ld-Writethru,127<
^Court takes Northern Front off the list<
^By ADA ROE=
^Meridian Press=
	   VESSPORT, Verrania (MP) _ The supreme court of Verrania took the Northern Front off its list on Tuesday.

	   ?MP-WF-05-09-17 0056GMT<

?
?