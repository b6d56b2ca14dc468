W0801_asian
b a BC-AS--Verrania-CourtRul KILL   05-09 0144
^BC-AS--Verrania-Court Ruling, KILL,40<
^MANDATORY KILL<
^Eds: Members are asked to kill the story slugged BC-AS--Verrania-Court Ruling.<
	   NEW YORK (MP) _ Kill the story from Vessport. The ministry did not say that the ban is lifted.

	   MP-WF-05-09-17 0316GMT<


