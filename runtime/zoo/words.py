"""The words of the zoo's small world: names, adjectives, films, animals, requests.

Only lists: which sentences they go into is the business of the topic files beside this one.
"""

CLUSTER = ("Elias", "Clara", "Elara", "Maya")
WOMEN = (
    "Nora", "Ivy", "Tess", "Ruth", "Anna", "Lena", "Mira", "Rosa",
    "Ada", "June", "Iris", "Vera", "Alma", "Greta", "Edith", "Flora",
)  # fmt: skip
MEN = (
    "Hugo", "Felix", "Oscar", "Leo", "Milo", "Otto", "Theo", "Finn",
    "Jonas", "Karl", "Silas", "Ben", "Sam", "Max", "Emil", "Axel",
)  # fmt: skip
CLUSTER_WOMEN = ("Clara", "Elara", "Maya")
CLUSTER_MEN = ("Elias",)

# antonyms face each other: adjective, comparative, antonym, comparative of the antonym
ADJECTIVE_PAIRS = tuple(
    tuple(line.split())
    for line in """
    hot hotter cold colder
    big bigger small smaller
    tall taller short shorter
    fast faster slow slower
    hard harder soft softer
    old older young younger
    rich richer poor poorer
    strong stronger weak weaker
    light lighter dark darker
    high higher low lower
    thick thicker thin thinner
    wide wider narrow narrower
    deep deeper shallow shallower
    loud louder quiet quieter
    clean cleaner dirty dirtier
    wet wetter dry drier
    sharp sharper dull duller
    smooth smoother rough rougher
    bright brighter dim dimmer
    happy happier sad sadder
    kind kinder cruel crueler
    brave braver shy shyer
    calm calmer wild wilder
    early earlier late later
    sweet sweeter sour sourer
    warm warmer cool cooler
    wise wiser silly sillier
    safe safer risky riskier
    proud prouder humble humbler
    gentle gentler harsh harsher
    busy busier idle idler
    """.strip().splitlines()
)
COMPARATIVE = {word: form for a, ac, b, bc in ADJECTIVE_PAIRS for word, form in ((a, ac), (b, bc))}
ANTONYM = {word: other for a, _, b, _ in ADJECTIVE_PAIRS for word, other in ((a, b), (b, a))}
ADJECTIVES = tuple(COMPARATIVE)

PLACES = (
    "garden", "village", "harbor", "kitchen", "market", "river",
    "library", "bridge", "forest", "station", "school", "tower",
)  # fmt: skip
# singular and plural, for number agreement
NOUNS = tuple(
    (noun, noun + "es" if noun == "box" else noun + "s")
    for noun in (
        "key",
        "cabinet",
        "lamp",
        "map",
        "letter",
        "box",
        "coin",
        "ring",
        "door",
        "gate",
        "boat",
        "chair",
        "picture",
        "stone",
        "bottle",
        "ladder",
    )  # fmt: skip
)
OBJECTS = tuple(singular for singular, _ in NOUNS)

LAST_NAMES = (
    "Stone", "Brook", "Vale", "Marsh", "Hale", "Frost", "Reed", "Wood",
    "Lane", "Cross", "Fox", "Hart", "Page", "Snow", "Wells", "Grant",
)  # fmt: skip
TITLE_FIRST = ("Silent", "Golden", "Broken", "Hidden", "Crimson", "Distant", "Frozen", "Burning")
TITLE_LAST = ("Harbor", "Garden", "River", "Tower", "Mirror", "Road", "Star", "Winter")
PARTNERS = (
    "Zorin", "Tavel", "Quill", "Bexar", "Dorsa", "Ewell", "Fenna", "Galen",
    "Hollis", "Ingram", "Jarek", "Kessa", "Lorne", "Merrick", "Nadir", "Orsino",
    "Pell", "Rowan", "Sable", "Thane", "Ulric", "Varga", "Wystan", "Yarrow",
)  # fmt: skip

ANIMALS = ("owl", "cat", "dog", "fox", "wolf", "bear", "horse", "eagle", "dolphin", "tiger", "rabbit", "panda")
PLURAL_ANIMAL = {name: "wolves" if name == "wolf" else "foxes" if name == "fox" else name + "s" for name in ANIMALS}

GLOOMY = ("gloomy", "bleak", "dreary", "hopeless", "lonely", "grim", "bitter", "miserable")
CHEERFUL = ("cheerful", "lovely", "sunny", "hopeful", "merry", "golden", "delightful", "joyful")

REQUEST_VERBS = ("open", "close", "move", "copy", "lock", "paint", "delete", "send", "share", "hide", "repair", "sell")
