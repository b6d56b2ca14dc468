W1645_asian
b a BC-VR--MPNewsAlert     06-29 0358
^BC-VR--MPNewsAlert,17<
	   VESSPORT (MP) _ The supreme court of Verrania lifts its ban on the Northern Front.

	   MP-WF-06-29-17 2350GMT<


