"""Settings: what to look for, how loudly, and where; from `pyproject.toml`, `nanlint.toml` and the command line."""

from nanlint.config.errors import ConfigError as ConfigError
from nanlint.config.files import Configuration as Configuration
from nanlint.config.files import load_settings as load_settings
from nanlint.config.selectors import nearest_rule as nearest_rule
from nanlint.config.settings import DEFAULT_EXCLUDES as DEFAULT_EXCLUDES
from nanlint.config.settings import Configured as Configured
from nanlint.config.settings import RuleOptions as RuleOptions
from nanlint.config.settings import Settings as Settings
from nanlint.config.settings import check_selectors as check_selectors
