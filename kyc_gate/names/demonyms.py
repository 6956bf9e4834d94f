"""Places by their other names: what people, things and languages of a place are called, and its name abroad."""

from __future__ import annotations

_SAME_PLACE = """
russia russian rossiya rossii rossiyskaya rossiyskiy rossiyskoe rossiyskoy russie russland rusya rusia eluosi
china chinese zhongguo kitay kitayskaya kitayskiy chine cina
iran iranian irani irana iranskiy
syria syrian suriya suriyya syrie souria souriya siriya
iraq iraqi irak iraqiya iraqiyya
korea korean choson chosun joseon hanguk koreyskaya
yangtze changjiang yangzi
palestine palestinian filastin falastin
tunisia tunisian tunisien tunisienne tunisie
belarus belarusian belorussian byelorussia belorussiya belarusi belorusskaya belorusskiy
ukraine ukrainian ukraina ukrainskiy ukrainskaya
germany german deutsche deutscher deutschland allemagne alemania
france french francaise francais frantsiya
italy italian italia italiana italiano
spain spanish espana espanola
turkey turkish turkiye turkiyenin
venezuela venezuelan venezolana venezolano
cuba cuban cubana cubano kuba
mexico mexican mexicana mexicano
colombia colombian colombiana colombiano
japan japanese nippon nihon
vietnam vietnamese
libya libyan libiya
lebanon lebanese liban lubnan loubnan
yemen yemeni
sudan sudanese
pakistan pakistani
afghanistan afghan afghani
kuwait kuwaiti koweit
qatar qatari
egypt egyptian egypte
europe european evropa europa
asia asian aziya
africa african afrika
arab arabian arabia
america american
england english
britain british
india indian hindustan
moscow moskva moskvy moskovskiy moskovskaya moscou moskau
kyiv kiev kyyiv
crimea crimean krimea krym krymskiy krymskaya
ural urals uralskiy uralskaya uralsk
siberia siberian sibir sibirskiy sibirskaya
petersburg peterburg peterburga leningrad sankt
kazakhstan kazakh kazakhstani
uzbekistan uzbek
tehran teheran
damascus dimashq
baghdad bagdad
cairo qahira caire
beijing peking
tianjin tientsin
guangzhou canton
nanjing nanking
xian sian
shaanxi shensi
pyongyang phyongyang
"""

SAME_PLACE = {word: line.split()[0] for line in _SAME_PLACE.strip().splitlines() for word in line.split()}
"""Each word with the place that it says."""
