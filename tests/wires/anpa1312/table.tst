z9631_-----
r z BC-VLG--VerraniaLeague     05-17 0820
^BC-VLG--Verrania League Glance< 
^Verrania League Standings= 
^All Times Local= 
^By The Meridian Press= 
^NORTH= 
^;W;L;Pct 
Vessport;23;13;.639 
Port Roe;17;19;.472 
___=
	   Saturday's Games 
	   Vessport 6, Port Roe 5< 

	   MP-WF-05-17-16 0620GMT<


