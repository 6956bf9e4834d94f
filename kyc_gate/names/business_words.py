"""Words that say what a firm does or is, in the spellings and languages in which they are met."""

from __future__ import annotations

from kyc_gate.names.foreign_words import FOREIGN

_SAME = """
technology technologies tech technical tekhnologii tekhnologiya tehnologii tekhnolodzhiz tecnologia tecnologias technologie teknoloji teknologi keji jishu kexue fanavari
group grp gruppa gruppe groupe grupo gruppo jituan grup holding holdings kholding
company companies co kompaniya compania compagnie companhia cie gongsi sherkat sharikat
corporation corp corps korporatsiya corporacion korporasyon
institute inst institut instituto institution institutes yanjiuyuan yanjiusuo instituta
university univ universitet universidad universite universitat universita daxue daneshgah jamiat universitesi
academy acad akademiya academie akademie
laboratory laboratories lab labs laboratoriya laboratorija laboratorio laboratoire
industry industries ind industrial promyshlennost industrie industria chanye gongye sanaye sanayi promyshlennyy
international intl int internatsionalnyy internacional internationale guoji mezhdunarodnyy beynolmelali
electronics electronic elec elektronika elektroniks electronique elektronik dianzi
equipment equip eqpt shebei
development dev devt fazhan razvitie desarrollo kaifa
trading trade trdg torgovyy tijarat maoyi comercial comercio handel ticaret torgovlya torgovaya bazargani
manufacturing mfg mfr manufacture manufacturer zhizao manufacturers
engineering engg eng engr engineers engineer inzhiniring gongcheng ingenieria
management mgmt mgt
services service svc svcs serv fuwu servis uslugi servicios
systems system sys sistemy sistemas xitong
research res studies issledovaniy investigacion yanjiu recherches
science sciences scientific sci nauki nauchno
center centre ctr centro centr tsentr zhongxin zentrum markaz
association assoc assn asso assotsiatsiya asociacion xiehui anjoman jamiyat jamiyyat jamiya
associated associates associate
organization organisation org organisations organizations orgs
foundation fond foundations fondation fundacion stiftung bonyad jijinhui vakfi
bank banka banque banco banks yinhang
concern kontsern koncern konzern
national natl nat natsionalnyy nacional nationale natsionalnaya guojia melli
state gosudarstvennyy gosudarstvennaya gos
republic rep respublika republica republique
ministry min ministerstvo ministerio
department dept departament otdel
factory zavod plant works fabrika chang karkhaneh fabrik
information info informatsionnyy informacion xinxi informatics informatik
communications communication comm telecommunications telecommunication telecom telecoms telekom tongxin svyaz telekommunikatsii
computer computers computing comp jisuanji kompyuter compute
semiconductor semiconductors semicon bandaoti
aviation aviatsionnyy aero aviastroitelnaya hangkong aviatsiya
aircraft aeroplane
airlines airline air airways avia aviakompaniya havapeymayi
shipping sudokhodstvo keshtirani ship
lines line liniya
transport transportation trans transportnaya yunshu haml
logistics logistic logistika wuliu
construction constructions constr stroitelnaya stroitelstvo jianshe sakhteman
security sec bezopasnost anquan
defense defence def oborona
memory mem
oil neft petroleum neftyanaya shiyou naft
gas gaz
energy energiya energia nengyuan energo
power elektroenergetika
chemical chemicals chem khimicheskiy huaxue
metal metals metall metallurgical metallurgy metallurgicheskiy
steel stal
mining mines min
military mil voennyy voennaya
commercial com
limited ltd
investment investments invest inv investitsii touzi inversiones
insurance ins strakhovanie baoxian
finance financial fin finansovyy finans jinrong
exchange birzha
import imp importing
export exp exporting
general gen generalnyy
production prod proizvodstvo proizvodstvennyy products product
enterprise enterprises ent predpriyatie qiye
establishment establishments est
joint sovmestnyy
digital shuzi tsifrovoy
intelligence intelligent intel zhineng
artificial rengong
microelectronics microelectronic mikroelektronika weidianzi
network networks net wangluo seti
software soft programmnoe ruanjian
solutions solution
design designs konstruktorskoe sheji
bureau byuro buro
agency agentstvo agencia agence agencies
office ofis oficina
society obshchestvo sociedad societe
committee komitet
council sovet consejo
federation federatsiya federal federalnoye
marine maritime morskoy daryayi
machinery machine machines mashinostroenie mashin jixie
materials material cailiao
medical med meditsinskiy
pharmaceutical pharma pharmaceuticals farm
automation automatic automated auto
optical optics optic optiko
instrument instruments pribor
precision jingmi
advanced adv xianjin
innovation innovations innovative innov chuangxin
consulting consultancy consultants consultant consult
east eastern vostok dong
west western zapad
north northern sever severo bei
south southern yug nan
central tsentralnyy zhongyang
united obedinennaya obedinennyy lianhe muttahida
"""

_PLAIN = """
academy aerospace agriculture agricultural ai app apps applied aquatic arms art artillery arts asset assets assistance asymmetric authority
base battery bio biotech biotechnology branch broadcasting brothers building buildings business businesses campus capital car care cargo center chain charity
city clinic clothing cloud club college commerce commission commodity community complex component components concept conglomerate contracting control
cooperation cooperative country credit creative culture cultural customer data delivery democratic direct display distribution district division domain
economic economy education educational electric electrical electricity electro entertainment environment environmental european
farm fashion firm first fishing fleet food foods foreign forwarding free freight freedom fuel fund future garden global good goods government gov green
guard hardware health healthcare heavy high holy home hospital hotel hotels house hub human ic infrastructure integrated intelligence internet islamic
jewelry journal key kitchen law learning leasing legal life light livestock machine mail maintenance market marketing markets mart media metro micro mission mobile
motor motors music natural navigation new news nuclear online open operations operating optoelectronics overseas partner partners partnership parts people
physics pipeline planning platform platforms plastics plus policy port press private procurement project projects property protection public publishing quality quantum
radio rail railway railroad real regional relief rental resort resources restaurant retail robotics royal sales satellite school schools sea sector shipbuilding shipyard shop
shops showroom silk smart social software solar space special specialized sport sports stars station storage store stores strategic studio studios sub subsidiary successor
supercomputer supercomputing supply support supreme surveillance team technician telegraph telephone television testing textile textiles theatre tools tour tourism tours town trade trader traders
training travel trust unit union universal urban value vehicle vehicles venture ventures video village vision voice war water wealth wear web welfare wholesale wind
wireless workshop world worldwide zone affiliate official verified account accounts cluster prod test user users admin gmbh http https www job jobs
online industrials motors bureau committee republic district center municipal provincial province county
"""

_TITLES = """
mr mrs ms dr prof professor haji hajji hajj haj hadji mullah mulla molla maulana mawlana maulavi maulawi mawlawi sheikh shaykh shaikh
sheik cheikh sheykh ayatollah hojjatoleslam hojatoleslam president colonel col captain capt ustad ustadh ostad
"""
"""What people are called before their names: no two are told apart by it."""

_SPELLED = {word: line.split()[0] for line in reversed(_SAME.strip().splitlines()) for word in line.split()}

CANONICAL = {word: _SPELLED.get(means, means) for word, means in FOREIGN.items()} | _SPELLED
"""Each word with the first of its line, by which it is compared: `Inst.`, `Institut` and `Institute` are one word."""

_COMMON = frozenset(_SPELLED) | frozenset(_PLAIN.split()) | frozenset(_TITLES.split())

COMMON = _COMMON | {word for word, means in CANONICAL.items() if means in _COMMON}
"""Words that so many names share that they tell little about which name it is."""

HAN = tuple(
    sorted(
        """
股份有限公司 有限责任公司 集团有限公司 集团公司 有限公司 公司 集团 株式会社 有限会社 科技 技术 科学 工业 产业 信息 电子 通信 通讯 网络
智能 人工智能 数字 数据 计算机 计算技术 计算 软件 硬件 系统 集成电路 半导体 微电子 芯片 存储 装备 设备 制造 开发 发展 创新 研究院 研究所 研究 大学
学院 学校 中心 实验室 国际 国家 中国 中科 贸易 进出口 投资 控股 银行 保险 金融 基金 能源 电力 石油 化工 化学 材料 钢铁 机械 汽车 航空 航天 船舶 重工
建设 建筑 工程 实业 企业 服务 咨询 管理 文化 传媒 医疗 医药 医院 生物 食品 电器 光电 光学 仪器 精密 先进 自动化 云计算 国防 军事 商学院 实业集团
超级计算 第 超算 物流 运输 海运 安全 应用 股份 协会 公安 厂 所
""".split(),
        key=len,
        reverse=True,
    )
)
"""The same in simplified Chinese, which writes them without blanks."""

HAN_PLACES = tuple(
    sorted(
        """
中国 北京市 北京 上海市 上海 天津市 天津 重庆市 重庆 深圳市 深圳 广州市 广州 杭州市 杭州 南京 武汉 西安 成都 苏州 无锡 哈尔滨 沈阳 大连 长沙 长春 济南 青岛
合肥 厦门 福州 郑州 珠海 东莞 宁波 昆明 广东省 广东 浙江省 浙江 江苏省 江苏 山东 四川 陕西 湖北 湖南 河北 河南 辽宁 吉林 黑龙江 福建 安徽 江西
山西 云南 贵州 海南 内蒙古 新疆 西藏 宁夏 甘肃 青海 广西 香港 澳门 台湾 长江 黄河 珠江 华北 华东 华南 北方 南方 东方 西部
""".split(),
        key=len,
        reverse=True,
    )
)
"""Places of China that firms are named after."""
