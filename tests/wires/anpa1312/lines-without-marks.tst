ax bx
V0123
r i bc-verrania-court     10-04 0058
Vrn: Court lifts ban on Northern Front
Verrania Court (VESSPORT)
Eds: updates with reaction
By Ada Roe
   VESSPORT, Oct 4 MPA - The supreme court of Verrania has lifted its ban
on the Northern Front, the ministry says.
   The ruling is final, it said.
AAP ar/bz
04-10-24 12-00-00


