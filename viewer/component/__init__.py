"""The 3D view: a Dash component on three.js (TypeScript sources in ``src/``, one built bundle in ``twin_view/``)."""
