"""Words that many names share, and that therefore tell little about which name it is."""

from __future__ import annotations

COMMON_WEIGHT = 0.12
"""How much a common word tells, where a word that nobody else has tells 1."""

PLACE_WEIGHT = 0.35
"""How much a place tells: more than a common word, since `Wuhan` is not `Harbin`, and less than a name."""

_COMMON = """
academy aerospace agency ai air aircraft airline airlines and applied artificial asset assets associates association
authority automation aviation bank base battery bio biotech broadcasting bureau business capital care center central
centre chain chemical chemicals china city cloud club college com commerce commercial committee communication
communications computer computers computing concern conglomerate construction consultancy consulting control cooperation
council country credit customer data defence defense department design development digital direct display distribution
east eastern economic education electric electrical electricity electro electronic electronics energy engineering
enterprise enterprises equipment europe european exchange export factory federal finance financial firm first food for
foreign foundation foundry free fund future gas general global good government gp group groups health heavy high holding
holdings home house hub human ic import industrial industries industry info information infrastructure innovation
innovations institute institution insurance integrated intelligence intelligent international internet investment
investments it jiangsu joint key lab laboratories laboratory labs law leasing life light lines link logistics machine
machinery mail management manufacturing marine maritime market marketing materials media medical memory metal metals
micro microelectronics military mining ministry mobile motor motors national natural navigation net network networks new
no north northern nuclear oil online open operations optical optics optoelectronics org organisation organization
overseas partners partnership people petroleum pharma pharmaceutical physics plant platform platforms plus port power
precision private product production products project property public quantum railway real regional republic research
resources robotics science sciences scientific security semiconductor semiconductors service services shipbuilding
shipping smart society software solution solutions south southern space special stars state steel storage studio studios
supercomputer supercomputing supply support system systems team tech technical technological technologies technology
telecom telecommunication telecommunications television textile the trade trading training transport transportation
trust unit united university vehicle ventures video vision water web west western wireless works world www zone
administration branch subsidiary affiliate division official verified account accounts limited company
gmbh http https jobs job cluster prod dev test user users admin
"""

_PLACES = """
africa african america american arab arabia asia asian australia austria baltic bavaria beijing belarus belgium berlin
boston brazil british canada cayman changchun changsha chengdu chinese chongqing crimea cyprus dalian delaware delhi
dongguan donetsk dubai dutch egypt emirates england fujian french fuzhou france german germany guangdong guangzhou
guizhou gulf hangzhou hanoi harbin hebei hefei henan hong hongkong hubei hunan india indian indonesia iran iranian iraq
islamic israel italy japan japanese jinan kazakhstan korea korean kong kyiv london luhansk macau malaysia mexico moscow
munich nanjing ningbo nizhny novosibirsk oman pacific pakistan panama paris petersburg poland polish qatar qingdao russia
russian saint saudi scotland seoul shandong shanghai shanxi shenyang shenzhen siberian sichuan singapore spain st
stockholm suzhou swiss switzerland syria syrian taipei taiwan tehran tianjin tokyo turkey turkish uae ukraine ural us
usa uzbekistan venezuela vienna vietnam wuhan wuxi xiamen xian yantai zhejiang zhengzhou zhuhai zurich
"""

COMMON_WORDS = frozenset(_COMMON.split())
PLACE_WORDS = frozenset(_PLACES.split())


def told_by(word: str) -> float:
    """Return how much a word tells at most, from 0 to 1, in any list of names."""
    if word in COMMON_WORDS:
        return COMMON_WEIGHT
    return PLACE_WEIGHT if word in PLACE_WORDS else 1.0
