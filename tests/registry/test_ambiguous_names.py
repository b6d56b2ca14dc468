"""Names that several groups share, or that are ordinary words: which group a text means, and where it means none."""

import pytest

from streams.registry import load_registry

Case = tuple[str, list[str]]

SHARED: list[Case] = [
    # two Talibans
    ("The Taliban reopened the crossing at Spin Boldak.", ["taliban"]),
    ("The Pakistani Taliban claimed the raid on a post in Waziristan.", ["ttp"]),
    ("Kabul's Taliban rulers deny sheltering the Pakistani Taliban.", ["taliban", "ttp"]),
    ("The Tehreek-e-Taliban Pakistan, or TTP, broke off the truce.", ["ttp", "ttp"]),
    ("Pakistan blames the Taliban for the raid.", ["taliban"]),
    # three Ansar al-Sharias
    ("Tunisia's interior ministry traced the cell to Ansar al-Sharia.", ["ansar-al-sharia-tunisia"]),
    ("Ansar al-Sharia gunmen held the port of Benghazi.", ["ansar-al-sharia-libya"]),
    ("Ansar al Sharia seized Zinjibar in southern Yemen.", ["aqap"]),
    (
        "In Benghazi, Ansar al-Sharia lost its leader. In Tunis, Ansar al-Shari'a had been banned for years.",
        ["ansar-al-sharia-libya", "ansar-al-sharia-tunisia"],
    ),
    (
        "Ansar al-Sharia in Libya and Ansar al-Sharia in Tunisia were listed.",
        ["ansar-al-sharia-libya", "ansar-al-sharia-tunisia"],
    ),
    ("Ansar al-Sharia published a video.", []),
    ("Envoys from Libya and Yemen discussed Ansar al-Sharia.", []),
    # two al-Shabaabs
    ("Al-Shabaab fighters shelled Mogadishu.", ["al-shabaab"]),
    ("Al-Shabaab claimed the blast.", ["al-shabaab"]),
    ("In Cabo Delgado, villagers fled from al-Shabaab.", ["is-mozambique"]),
    ("Mozambique's army retook Mocimboa da Praia from al Shabab.", ["is-mozambique"]),
    ("Somalia's al-Shabaab taxes charcoal. Elsewhere, from Mali to Mozambique, rebels do too.", ["al-shabaab"]),
    ("Al-Shabaab was listed in 2010. Attacks in Somalia and Mozambique go on.", ["al-shabaab"]),
    ("Mozambique's al-Shabaab has no tie to al-Shabaab in Somalia.", ["is-mozambique", "al-shabaab"]),
    # FARC, the fighters that went back to arms, and the party
    ("The FARC laid down their arms in 2017.", ["farc"]),
    ("FARC dissidents blew up a pipeline in Colombia.", ["farc-ep"]),
    ("Washington took the FARC off its list and added FARC dissidents.", ["farc", "farc-ep"]),
    ("The FARC-EP signed the accord in Havana.", ["farc"]),
    ("Mordisco, who leads the dissident FARC-EP, refused.", ["farc-ep"]),
    ("Segunda Marquetalia was founded by former FARC commanders.", ["segunda-marquetalia", "farc"]),
    # Jamaat-e-Islami in four countries
    ("Dhaka banned Jamaat-e-Islami under its anti-terrorism act.", ["jamaat-bangladesh"]),
    ("Police in Srinagar sealed the offices of Jamaat-e-Islami.", ["jamaat-kashmir"]),
    ("Jamaat-e-Islami called a strike in Karachi.", ["jamaat-e-islami-pakistan"]),
    ("Jamaat-e-Islami Hind ran relief camps near Dhaka.", []),
    ("A Jamaat-e-Islami leader spoke.", []),
    # Islamic Jihads
    ("Islamic Jihad fired rockets out of Gaza.", ["pij"]),
    ("Palestinian Islamic Jihad said talks in Egypt had failed.", ["pij"]),
    ("Zawahiri merged the Egyptian Islamic Jihad with al-Qaeda.", ["egyptian-islamic-jihad", "al-qaeda"]),
    ("Officers tied to Islamic Jihad shot Sadat in 1981.", ["egyptian-islamic-jihad"]),
    ("Uzbekistan named the Islamic Jihad Union.", ["iju"]),
    ("The Islamic Jihad Organisation claimed the 1983 bombing.", ["hezbollah"]),
    ("The preacher spoke of an Islamic jihad against sin.", []),
    # Hezbollahs
    ("Hezbollah fired at Haifa.", ["hezbollah"]),
    ("Kata'ib Hezbollah fired at Erbil.", ["kataib-hezbollah"]),
    ("Hezbollah's military wing is listed by the bloc.", ["hezbollah-military-wing"]),
    ("Turkish Hezbollah killed a mayor of Batman.", ["turkish-hezbollah"]),
    ("Hizbullah, whose heirs are the party Huda Par, ruled Diyarbakir's streets.", ["turkish-hezbollah"]),
    ("Hizbullah buried a commander in Beirut.", ["hezbollah"]),
    # Ansars
    ("Ansarullah holds Sanaa, the capital of Yemen.", ["houthis"]),
    ("Dushanbe accused Ansarullah of a raid.", ["jamaat-ansarullah"]),
    ("Dhaka police said Ansar al-Islam killed the blogger.", ["ansarullah-bangla-team"]),
    ("Ansar al-Islam fought the Kurds near Halabja.", ["ansar-al-islam"]),
    # the Irish family
    ("The Real IRA and the Continuity IRA rejected the Good Friday accord.", ["rira", "cira"]),
    ("Belfast, 1972: the IRA set off bombs.", ["pira"]),
    ("Savers may roll a 401(k) into an IRA.", []),
    # people's armies
    ("China's PLA sent ships into the strait.", []),
    ("The PLA ambushed an army convoy in Manipur.", ["pla-manipur"]),
    ("The Philippines' NPA torched a truck.", ["cpp-npa"]),
    ("The power utility NPA raised tariffs.", []),
    ("Myanmar's Ta'ang National Liberation Army took Lashio.", ["tnla"]),
    ("Colombia's National Liberation Army, the ELN, freed a hostage.", ["eln", "eln"]),
    # Egyptian and Indonesian societies of one name
    ("Jemaah Islamiyah dissolved itself in Indonesia.", ["jemaah-islamiyah"]),
    ("Jama'a Islamiya attacked tourists at Luxor in Egypt.", ["gamaa-islamiyya"]),
    ("Jamaa Islamiya was blamed for the Bali bombs.", ["jemaah-islamiyah"]),
    # Soldiers of the Caliphate
    ("Jund al-Khilafah beheaded a hiker in Algeria.", ["jund-al-khilafah-algeria"]),
    ("Jund al-Khilafah beheaded a shepherd in Tunisia.", ["jund-al-khilafah-tunisia"]),
]

WORDS: list[Case] = [
    ("Troops at the base were on alert.", []),
    ("The Base was closed to visitors, the air force said.", []),
    ("The Base, a neo-Nazi network, trained in a wood.", ["the-base"]),
    ("NEO-NAZI GROUP THE BASE BANNED\nA court banned The Base.", ["the-base", "the-base"]),
    ("THE BASE IS CLOSED, AIR FORCE SAYS", []),
    ("The ETA of the train is 5 p.m.", []),
    ("Beta testers wait; eta is a Greek letter, Spain's teacher says.", []),
    ("Madrid says ETA is defeated.", ["eta"]),
    ("SPAIN ARRESTS TWO ETA SUSPECTS", ["eta"]),
    ("What is IS? The bank's Information Systems.", []),
    ("IS, the jihadist group, lost Mosul.", ["islamic-state"]),
    ("TALIBAN LEADER IS DEAD\nThe Islamic State group claimed the blast in Kabul.", ["taliban", "islamic-state"]),
    ("ISLAMIC STATE CLAIMS BLAST IN KABUL", ["islamic-state"]),
    ("They want an Islamic state by peaceful means.", []),
    ("Brazil's PCC runs cocaine through Santos.", ["pcc"]),
    ("The PCC, the Communist party of Cuba, met in Havana.", []),
    ("Algiers called MAK a terrorist group.", ["mak"]),
    ("The MAK fund bought two malls.", []),
    ("ADF rebels killed farmers near Beni in Congo.", ["is-drc"]),
    ("The ADF, Australia's army, bought tanks.", []),
    ("National Action, a neo-Nazi group, was proscribed.", ["national-action"]),
    ("The right-wing National Action Party lost the race in Mexico.", []),
    ("Ministers adopted a National Action Plan against far-right crime.", []),
    ("National action is needed on floods, the mayor said.", []),
    ("Oil slicks reached the Sea of Azov.", []),
    ("Ships of the Russian fleet left the Azov coast with prisoners.", []),
    ("Russia's top court banned the Azov Regiment.", ["azov"]),
    ("Azov prisoners came home.", ["azov"]),
    ("The Bayreuth festival opened with Wagner.", []),
    ("Richard Wagner's heirs met in Moscow.", []),
    ("Wagner, the mercenary force of Prigozhin, left Bakhmut.", ["wagner-group"]),
    ("A crash closed the M23 near Gatwick.", []),
    ("M23 took Goma.", ["m23"]),
    ("Investors hope for a shining path to growth.", []),
    ("Peru's Shining Path killed four soldiers.", ["shining-path"]),
    ("PERU ARMY RAIDS SHINING PATH CAMP", ["shining-path"]),
    ("The brotherhood of electrical workers went on strike in Jordan.", []),
    ("Jordan banned the Brotherhood.", ["muslim-brotherhood"]),
    ("The Aryan Brotherhood runs the yard.", []),
    ("Myanmar's Three Brotherhood Alliance paused its drive.", []),
    ("Marvel's Black Widow opens on Friday.", []),
    ("Let them go, he said; the HUT and the LeT are two things.", ["lashkar-e-taiba"]),
    ("LET THEM GO, PAKISTAN SAYS", []),
    ("A far-right sector of the party split off.", []),
    ("The Resistance Front claimed the Pahalgam attack in Kashmir.", ["trf"]),
    ("The Resistance Front of tenants met the mayor.", []),
    ("The Revolutionary Guard of Iran held drills.", ["irgc"]),
    ("Grey wolves returned to the Turkish hills.", []),
    ("Austria banned the salute of the Grey Wolves, a Turkish movement.", ["grey-wolves"]),
    ("Proud boys showed their medals.", []),
    ("Lashkar-e Taiba, al Qaeda and Al‑Qaida are listed.", ["lashkar-e-taiba", "al-qaeda", "al-qaeda"]),
    ("The students and the base of the party met.", []),
    ("Fano is a town on the Adriatic.", []),
    ("Fano fighters in Ethiopia's Amhara region refused talks.", ["fano"]),
    ("Hong Kong's SDF is a fund.", []),
    ("The SDF holds Raqqa.", ["sdf"]),
]


@pytest.mark.parametrize(("text", "expected"), SHARED, ids=[text[:60] for text, _ in SHARED])
def test_the_words_nearby_tell_whose_name_it_is(text: str, expected: list[str]) -> None:
    assert [mention.group for mention in load_registry().matcher.find(text)] == expected


@pytest.mark.parametrize(("text", "expected"), WORDS, ids=[text[:60] for text, _ in WORDS])
def test_an_ordinary_word_is_a_name_only_in_its_company(text: str, expected: list[str]) -> None:
    assert [mention.group for mention in load_registry().matcher.find(text)] == expected


def test_a_name_nobody_nearby_speaks_for_is_left_open_and_told() -> None:
    text = "Envoys from Libya and Yemen discussed Ansar al-Sharia."
    (left,) = load_registry().matcher.find_all(text).undecided
    assert (left.text, set(left.groups)) == ("Ansar al-Sharia", {"ansar-al-sharia-libya", "aqap"})
    assert text[left.start : left.end] == left.text
