from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [("user_management", "0001_squashed_initial")]

    operations = [
        migrations.CreateModel(
            name="CustomButton",
            fields=[
                ("id", models.AutoField(primary_key=True)),
                ("public_primary_key", models.CharField(max_length=20, unique=True)),
                ("organization", models.ForeignKey("user_management.Organization", models.CASCADE)),
                ("team", models.ForeignKey("user_management.Team", models.SET_NULL, null=True)),
                ("name", models.CharField(max_length=100)),
                ("webhook", models.CharField(max_length=1000, null=True)),
                ("data", models.TextField(null=True)),
                ("authorization_header", models.CharField(max_length=1000, null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
            options={"unique_together": {("name", "organization")}},
        ),
        migrations.CreateModel(
            name="EscalationPolicy",
            fields=[
                ("id", models.AutoField(primary_key=True)),
                ("step", models.IntegerField(null=True)),
                ("custom_button_trigger", models.ForeignKey("alerts.CustomButton", models.CASCADE, null=True)),
            ],
        ),
    ]
