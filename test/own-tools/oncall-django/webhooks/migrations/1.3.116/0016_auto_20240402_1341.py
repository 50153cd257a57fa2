from django.db import migrations

TRIGGER_BUTTON = 10


def orphans_go(apps, schema_editor):
    EscalationPolicy = apps.get_model("alerts", "EscalationPolicy")
    EscalationPolicy.objects.filter(step=TRIGGER_BUTTON, custom_webhook=None).delete()


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0015_webhook_is_from_connected_integration")]

    operations = [migrations.RunPython(orphans_go)]
