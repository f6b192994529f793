"""The indicators in French: what each is called, and what it counts."""

# By the names of the answer (`shapes.DEFINITIONS`), in its order.
WORDS = {
    "firms": ("Entreprises présentes", "ont un bail le dernier jour de la période ; chacune est comptée une fois"),
    "entered": ("Entrées", "sans bail la veille des douze mois qui finissent ce jour-là, en ont eu un depuis"),
    "left": ("Parties", "ont eu un bail la veille de ces douze mois ou depuis, n’en ont plus le dernier jour"),
    "renewal": ("Renouvellement", "entrées / entreprises présentes"),
    "departures": ("Départs", "parties / entreprises présentes"),
    "windows_ended": ("Périodes aidées achevées", "leur dernier jour au prix pépinière est dans la période"),
    "succeeded": (
        "Incubations réussies",
        "de celles-ci, louent encore, ou sont parties diplômées selon l’enquête (à défaut : toujours en activité)",
    ),
    "state_unknown": ("Devenir inconnu", "de celles-ci, parties sans enquête depuis ; ne comptent pas comme réussies"),
    "success": ("Réussite de l’incubation", "incubations réussies / périodes aidées achevées"),
    "admitted_5y": ("Admises cinq ans plus tôt", "jour d’admission cinq ans avant la période"),
    "active_5y": ("Actives à cinq ans", "de celles-ci, louent encore, ou sont en activité selon l’enquête"),
    "survival_unknown": ("Activité inconnue", "de celles-ci, parties sans enquête depuis : le taux manque alors"),
    "survival_5y": ("Survie à cinq ans", "actives à cinq ans / admises cinq ans plus tôt"),
    "surveyed": ("Ont répondu", "entreprises présentes dont l’enquête de l’année est enregistrée"),
    "jobs": ("Emplois", "somme des emplois déclarés par celles qui ont répondu"),
    "satisfaction": ("Satisfaction", "moyenne des réponses, de 0 à 100"),
    "export_share": ("Part à l’export", "moyenne des réponses, chaque entreprise comptant autant"),
    "income": ("Chiffre d’affaires", "factures moins avoirs datés de la période, hors TVA"),
    "advantage": ("Avantage accordé", "remises des mois facturés : plein tarif moins prix payé"),
    "support": ("Soutien", "ce qui manque au coût complet, dans ces mois"),
    "own_site": ("De son site", "payé par les entreprises du même site"),
    "other_sites": ("D’autres sites", "payé par celles des autres sites"),
    "grants": ("Subventions", "payé par les subventions"),
    "reserve": ("Réserve", "payé par la réserve"),
    "operator": ("Opérateur", "resté à la charge de l’opérateur"),
    "cost_per_job": ("Coût par emploi", "avantage accordé / emplois"),
    "cost_per_success": ("Coût par entreprise réussie", "avantage accordé / incubations réussies"),
}  # fmt: skip


def label(name: str) -> str:
    """Return what an indicator is called."""
    return WORDS[name][0]
