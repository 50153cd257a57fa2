from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("user_management", "0001_squashed_initial")]

    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                ("id", models.AutoField(primary_key=True)),
                ("organization", models.ForeignKey("user_management.Organization", models.CASCADE, null=True)),
                ("team", models.ForeignKey("user_management.Team", models.SET_NULL, null=True)),
                ("name", models.CharField(max_length=100, null=True)),
                ("url", models.TextField(null=True)),
                ("data", models.TextField(null=True)),
                ("authorization_header", models.TextField(null=True)),
                ("is_legacy", models.BooleanField(null=True, default=False)),
            ],
            options={"unique_together": {("name", "organization")}},
        ),
        migrations.CreateModel(
            name="WebhookResponse",
            fields=[
                ("id", models.AutoField(primary_key=True)),
                ("webhook", models.ForeignKey("webhooks.Webhook", models.SET_NULL, null=True)),
                ("content", models.TextField(null=True)),
            ],
        ),
    ]
