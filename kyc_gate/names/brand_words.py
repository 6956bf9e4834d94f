"""Everyday words that firms are named by, in Russian, Chinese and Persian, with what they mean in English.

A firm that is asked for by its name in translation is found by them; as words they tell as much as before.
"""

from __future__ import annotations

_MEANS = """
diamond almaz jingang elmas
star zvezda xingchen setareh yildiz
beacon mayak
lightning molniya shandian
granite granit
crystal kristall jingjing
falcon shahin lieying
emerald izumrud
pennant vympel
arrow strela
rainbow raduga caihong
torch fakel huoju
vanguard avangard
petrel burevestnik
satellite sputnik
hammer molot
dawn rassvet
dawning shuguang
salute salyut
anvil nakovalnya
eagle oryol berkut
hawk yastreb
lion shizi
dragon drakon ejderha
phoenix feniks
sun solntse taiyang khorshid gunes
moon yueliang qamar
sky aseman gokyuzu
cloud oblako
sea darya deniz
ocean okean dayang oghyanous
lake ozero
island ostrov jazireh
forest senlin
storm burya shtorm fengbao tufan
wind veter
wave volna
fire atash
iron zhelezo
gold zoloto altin
silver serebro noghreh
tower bashnya
gate vorota darvazeh
wall stena chengqiang
shield shchit separ
sword shamshir
banner znamya parcham
road doroga
world jahan dunya
peace mirnyy heping
victory pobeda shengli piruzi zafer
glory slava guangrong
hope nadezhda xiwang
future budushchee weilai ayandeh
truth istina pravda zhenli
freedom ziyou azadi
friendship druzhba youyi
unity edinstvo tuanjie vahdat
progress pishraft
youth molodezh qingnian
horizon gorizont
vector vektor
"""

MEANINGS = {word: means for means, *words in map(str.split, _MEANS.strip().splitlines()) for word in words}
"""Each word with its meaning. Words of four letters and less are left out: they are syllables and surnames too."""
