from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("alerts", "0011_auto_20230329_1617"), ("webhooks", "0008_auto_20230712_1613")]

    operations = [
        migrations.RemoveField(model_name="escalationpolicy", name="custom_button_trigger"),
    ]
