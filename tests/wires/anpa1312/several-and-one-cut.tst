W0001_asian
u i BC-AS--Verrania-Ports     12-31 0144
^BC-AS--Verrania-Ports,20<
^Ports reopen<
	   VESSPORT (MP) _ Ports reopened.

W0002_asian
d i BC-AS--Verrania-Court     12-31 0144
^BC-AS--Verrania-Court,20<
^Court denies<
	   VESSPORT (MP) _ The court did not lift
