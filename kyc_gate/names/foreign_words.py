"""Words of business as other languages write them: Russian with its endings, and scripts that leave vowels out."""

from __future__ import annotations

_RUSSIAN = """
finance finansov
financial finansov
technology tekhnologichesk tekhnichesk
industry promyshlenn industrialn
state gosudarstvenn
international mezhdunarodn
aviation aviatsionn aviastroiteln
science nauchn
research issledovatelsk issledovateln
construction stroiteln montazhn
transport transportn
trading torgov
commercial kommerchesk
military voenn
defense oboronn
electronics elektronn
metal metallurgichesk metallichesk
chemical khimichesk
oil neftyan neftegazov
gas gazov
machinery mashinostroiteln
shipbuilding sudostroiteln korabelnn
united obedinenn obyedinenn
rocket raketn reaktivn
space kosmichesk
energy energetichesk
information informatsionn
insurance strakhov
investment investitsionn
engineering inzhenern inzhiniringov
production proizvodstvenn
special spetsialn spetsializirovann
central tsentraln
automation avtomatizirovann
automotive avtomobiln
railway zheleznodorozhn
nuclear yadern atomn
radio radiotekhnichesk
instrument priborostroiteln
national natsionaln
federal federaln
public publichn obshchestvenn
security okhrann
maritime morsk
agricultural selskokhozyaystvenn agrarn
medical meditsinsk
optical optichesk
mechanical mekhanichesk
design konstruktorsk proektn
experimental opytn eksperimentaln
mining gornn gornodobyvayushch
coal ugoln
consumer potrebitelsk
legal yuridichesk
digital tsifrov
"""
_ENDINGS = ("yy", "iy", "aya", "oe", "oye", "ye", "ie", "iye", "ogo", "ikh", "ykh", "oy", "y", "a", "o")
"""Endings of Russian adjectives, as their letters are spelled in Latin ones."""

_NOUNS = """
technology tekhnologiy
security bezopasnosti
union soyuz soyuza
concern kontserna
factory zavoda zavody kombinat kombinata
association obedinenie obedineniye obyedinenie obyedineniye
enterprise predpriyatiya predpriyatii
management upravlenie upravleniye upravleniya upravlyayushchaya
bank banka
fund fonda
institute instituta
center tsentra tsentralnogo senta sentro sentar markazi merkez merkezi
academy akademii
university universiteta
company kompanii
group gruppy gruppirovka
corporation korporatsii
army armiya armii
fleet flot flota
house dom
agency agentstva
ministry ministerstva
bureau byuro
computer kompyuter kompyutoe kompyuta konpyuta konpyuuta komputer kompiuter computador computadora ordinateur rechner
computer hasub bilgisayar
railway dorogi
news novosti
new novye
port porta
storage cunchu chucun khraneniya
integrated jicheng
circuit dianlu
group gurupu guruppu
information jeongbo chongbo
technology gisul kisul gijutsu
industry gongop kongop kogyo sangyo
trading muyok muyeok boeki
bank unhaeng eunhaeng unhaeng ginko
company hoesa hwesa kaisha
general chonghap
research yongu yeongu kenkyu
university taehak daehak daigaku
bank masraf
agricultural zeraei ziraei ziraa zirai tarimsal agricola agricole keshavarzi nongye
cooperative taweni taawuni taawun kooperativ tavoni
organization sazman munazzama munazamat tanzim
ministry wizarat vezarat vizarat bakanligi
islamic islami islamiyya islamiya islamiyyah eslami islamiyah
charity khairiya khayriyya khayriya khairiyah kheyriyeh khairia
group majmuah majmua majmoeh goruh
industry sinaat sinaiya
trading tijariya tijariyya tejarat bazargani
investment istithmar sarmayegozari yatirim inversion inversiones
construction insaat bana bina imarat
foundation muassasat muassasa moassesseh muassasah stichting stiftelse sihtasutus saatio
front jabhat jebhe
army jaysh jaish
movement harakat haraka hareket
party hizb parti partido partei
council majlis meclis
hospital mustashfa bimarestan
oil naft petrol petroleo
tourism turismo tourisme turizm siyaha siyahat turistica turisticas
transport naql nakliyat nakliye transportes transporte hamlonaghl
shipping denizcilik naviera navigation
food gida alimentos alimenticia
security seguridad securite guvenlik sicherheit
energy enerji energie energetika
construction construccion construcciones construction constructora bau
engineering muhendislik handasa handasiya mohandesi
steel fulad foolad celik acier acero
services khadamat hizmetleri dienste
asset assets aktivami aktivy aktivov activos actifs vermogen
resistance moghavemat muqawama muqawamah mukavemet resistencia soprotivleniya
martyrs martyr shahid shahed shaheed shohada shuhada
state dawla dawlah dawlat devlet
movement mouvement movimiento bewegung dvizhenie dvizheniye
front frente fronte
army ejercito armee esercito ordu
party partiya
liberation liberacion osvobozhdeniya tahrir kurtulus
revolutionary revolucionario revolucionaria revolyutsionnaya enghelab thawra
people peoples pueblo narodnaya narodnyy narodny
brigade brigades kataib liwa brigada brigadas
prison zindan sijn tyurma carcel
shipyard sudoverf astillero astilleros werft verf
distillery likerovodochny likerovodochnyy
fishing pesca pesquera balikcilik
union syndicat sindicato ittihad etehad
real inmobiliaria immobilier immobilien
exploration razvedka georazvedka exploracion
refinery refineria raffinerie palayesh
mine mina minera minas
sugar azucar sucre shakar
tobacco tabac tabaco tutun
textile textil textiles nassaji
cement cemento ciment siman
"""
"""Words with their translation first; of Chinese, Korean and Japanese words the romanisations."""

_UNPOINTED = """
company شركة شرکت شركات شرکتهای חברה חברת
group مجموعة گروه مجموعه קבוצה קבוצת
technology تكنولوجيا التكنولوجيا تقنية تقنيات تقنیة فناوری تکنولوژی טכנולוגיות טכנולוגיה טכנולוגיית
trading تجارة تجارية بازرگانی تجاری מסחר סחר
bank بنك مصرف بانک בנק
organization منظمة سازمان ארגון
foundation مؤسسة بنیاد קרן
industry صناعة صناعات صناعية صنعت صنایع صنعتی תעשיות תעשייה תעשיה
international دولية دولي عالمية المللی בינלאומי בינלאומית
general عامة عام عمومی
development تنمية تطوير توسعه פיתוח
construction إنشاءات انشاءات مقاولات بناء ساختمانی עבודות בניין
engineering هندسة هندسية مهندسی הנדסה
services خدمات שירותים שירותי
investment استثمار استثمارات استثمارية سرمایه گذاری سرمايه השקעות
import استيراد واردات יבוא
export تصدير صادرات יצוא
transport نقل حمل ترابری תחבורה הובלה
shipping ملاحة شحن کشتیرانی ספנות
airline طيران خطوط هواپیمایی ایر اير תעופה
oil نفط نفت נפט
gas غاز گاز גז
energy طاقة انرژی אנרגיה
electronics الكترونيات إلكترونيات الکترونیک אלקטרוניקה
communications اتصالات مخابرات ارتباطات תקשורת
information معلومات اطلاعات מידע
university جامعة دانشگاه אוניברסיטת אוניברסיטה
institute معهد موسسه انستیتو מכון
center مركز مرکز מרכז
ministry وزارة وزارت משרד
computer كمبيوتر کامپیوتر حاسوب מחשבים
insurance تأمين تامين بیمه ביטוח
food غذائية اغذية مواد غذایی מזון
steel حديد فولاد פלדה
islamic اسلامية إسلامية اسلامی
"""
"""The same in Arabic and Hebrew letters."""

_GLUED_ON = ("", "ال", "لل", "وال", "و", "بال")
"""What Arabic writes together with the word after it: articles and prepositions."""


def _russian() -> dict[str, str]:
    rows = [line.split() for line in _RUSSIAN.strip().splitlines()]
    return {stem + ending: means for means, *stems in rows for stem in stems for ending in _ENDINGS}


def _nouns() -> dict[str, str]:
    rows = [line.split() for line in _NOUNS.strip().splitlines()]
    return {word: means for means, *words in rows for word in words}


def _unpointed() -> dict[str, str]:
    found = {}
    for line in _UNPOINTED.strip().splitlines():
        means, *words = line.split()
        for word in words:
            plain = word.translate(_PLAIN)
            glued = _GLUED_ON if "\u0600" <= word[0] <= "\u06ff" else ("", "ה", "ל")
            found.update({front + plain.removeprefix("ال"): means for front in glued})
    return found


_PLAIN = str.maketrans("أإآؤئ", "اااوي")
"""Letters with a hamza as a name's comparison form has them: without."""

FOREIGN = _unpointed() | _nouns() | _russian()
"""Each word with what it means in English."""
