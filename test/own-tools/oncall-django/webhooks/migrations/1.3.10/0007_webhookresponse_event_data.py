from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]

    operations = [
        migrations.AddField(model_name="webhookresponse", name="event_data", field=models.TextField(null=True)),
    ]
