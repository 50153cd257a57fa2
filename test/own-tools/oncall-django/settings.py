"""As much of Django as its migrate command asks for: three apps, and the database that the variables name."""
import os

engine = os.environ["SANDBOX_ENGINE"]
if engine != "postgres":
    import pymysql

    pymysql.install_as_MySQLdb()

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql" if engine == "postgres" else "django.db.backends.mysql",
        "HOST": os.environ["SANDBOX_HOST"],
        "PORT": os.environ["SANDBOX_PORT"],
        "USER": os.environ["SANDBOX_USER"],
        "PASSWORD": os.environ["SANDBOX_PASSWORD"],
        "NAME": os.environ["SANDBOX_DATABASE"],
    }
}
INSTALLED_APPS = ["user_management", "alerts", "webhooks"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SECRET_KEY = "of a throwaway database"
USE_TZ = False
