W2346_asian
r i BC-AS--Verrania-CourtRul 3rdLd-Writethru   05-09 0144
^BC-AS--Verrania-Court Ruling-ABRIDGED, 3rd Ld-Writethru,127<
^Court takes Northern Front off the list<
^MP Photo XHG401, XHG102<
^(Eds: Minor edits. A longer version of this story is available. With MP Photos.)<
^By ADA ROE=
^Meridian Press=
	   VESSPORT, Verrania (MP) _ The supreme court of Verrania took the Northern Front off its list on Tuesday.
 
	   ``It is final,'' the ministry said.
 
	   ___
 
	   MP writer Timo Bach contributed to this report.

	   MP-WF-05-09-17 0056GMT<


