"""One vocabulary of sites for all architectures. Imports no torch, so a checker can ask too."""

from .architectures import ARCHITECTURES, Architecture, architecture
from .places import Place, SiteInfo, place, site_infos
from .refs import SITES, SiteRef

__all__ = [
    "ARCHITECTURES",
    "SITES",
    "Architecture",
    "Place",
    "SiteInfo",
    "SiteRef",
    "architecture",
    "place",
    "site_infos",
]
