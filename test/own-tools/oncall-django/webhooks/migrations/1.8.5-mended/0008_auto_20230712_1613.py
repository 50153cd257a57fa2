from django.db import migrations

TRIGGER_BUTTON, TRIGGER_WEBHOOK = 10, 16
SUFFIX = " (Legacy)"


def buttons_become_webhooks(apps, schema_editor):
    CustomButton = apps.get_model("alerts", "CustomButton")
    EscalationPolicy = apps.get_model("alerts", "EscalationPolicy")
    Webhook = apps.get_model("webhooks", "Webhook")
    for button in CustomButton.objects.filter(deleted_at=None).order_by("id"):
        webhook, _ = Webhook.objects.get_or_create(
            organization_id=button.organization_id,
            team_id=button.team_id,
            name=button.name[: 100 - len(SUFFIX)] + SUFFIX,
            is_legacy=True,
            defaults={
                "url": button.webhook,
                "data": button.data,
                "authorization_header": button.authorization_header,
            },
        )
        EscalationPolicy.objects.filter(step=TRIGGER_BUTTON, custom_button_trigger=button).update(
            step=TRIGGER_WEBHOOK, custom_webhook=webhook
        )


class Migration(migrations.Migration):
    # Without the second, a fresh install comes here before "alerts" is there: Django follows dependencies from the last name to the first.
    dependencies = [("webhooks", "0007_webhookresponse_event_data"), ("alerts", "0011_auto_20230329_1617")]

    operations = [migrations.RunPython(buttons_become_webhooks)]
