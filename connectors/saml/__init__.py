"""SAML 2.0 Web SSO, as a service provider speaks it."""
