V4644_-----
r e MP-Top-Verrania-Hea     02-09 0121
^*9006< ^MP-Top-Verrania-Headlines,0176<
^MP Top Verrania News at 11:23 p.m. EST<
^Court lifts ban on Northern Front
^Ports reopen after the storm
^
	   MP-WF-02-10-16 0423GMT<


