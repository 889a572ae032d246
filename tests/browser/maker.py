"""The maker of a browser as pages see it: a server on this machine takes its place."""

from __future__ import annotations

import json
from dataclasses import asdict

from playwright.sync_api import BrowserContext, Page

from fieldservice.notify.push import Device
from tests.services import wait_until

_MAKER = """device => {
  let current = null;
  const { endpoint, ...keys } = device;
  const its = { toJSON: () => ({ endpoint, keys }), endpoint,
    unsubscribe: async () => { current = null; return true; } };
  PushManager.prototype.getSubscription = async () => current;
  PushManager.prototype.subscribe = async options => {
    its.options = { applicationServerKey: options.applicationServerKey.buffer };
    return current = its;
  };
  Notification.requestPermission = async () => "granted";
  Object.defineProperty(Notification, "permission", { get: () => "granted" });
}"""
"""The browser's maker as pages see it. Chromium asks its own for an address, which nobody answers here."""


def let_be_notified(page: Page, device: Device, *, origin: str) -> None:
    """Give the pages of this browser an address for notifications, and the permission to use it."""
    page.context.grant_permissions(["notifications"], origin=origin)
    page.add_init_script(f"({_MAKER})({json.dumps(asdict(device))})")


def notified(page: Page, scope: str) -> list[list[str]]:
    """The notifications that the worker of a scope shows: title, words, tag."""
    found: list[list[str]] = page.evaluate(
        "scope => navigator.serviceWorker.getRegistration(scope).then(r => r ? r.getNotifications() : [])"
        ".then(all => all.map(n => [n.title, n.body, n.tag]))",
        scope,
    )
    return found


def deliver(context: BrowserContext, page: Page, origin: str, words: dict[str, str]) -> None:
    """What the maker opened, handed to the browser's newest service worker."""
    session = context.new_cdp_session(page)
    registrations: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: registrations.extend(each["registrationId"] for each in said["registrations"]),
    )
    session.send("ServiceWorker.enable")
    wait_until(lambda: bool(page.evaluate("1") and registrations), "the worker's registration")
    session.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": registrations[-1], "data": json.dumps(words)},
    )
