from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_squashed_initial"), ("webhooks", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="escalationpolicy",
            name="custom_webhook",
            field=models.ForeignKey("webhooks.Webhook", models.CASCADE, null=True),
        ),
    ]
