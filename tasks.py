"""The Invoke namespace of this project: `invoke --list` shows what there is."""

import sys

from blackstart.tasks import namespace as _namespace

namespace = _namespace(sys.argv)
