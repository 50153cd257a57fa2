from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0008_auto_20230712_1613")]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="is_from_connected_integration",
            field=models.BooleanField(null=True, default=False),
        ),
    ]
