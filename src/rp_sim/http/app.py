"""The routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from rp_sim.http import account, billing, catalog, control, pods, templates
from rp_sim.http.pipeline import add_headers, pipeline
from rp_sim.http.reply import SIMULATOR
from rp_sim.operations import OPERATIONS

if TYPE_CHECKING:
    from rp_sim.http.reply import Handler
    from rp_sim.simulator import Simulator

HANDLERS: dict[str, Handler] = {
    "listPods": pods.list_pods,
    "createPod": pods.create_pod,
    "getPod": pods.get_pod,
    "updatePod": pods.update_pod,
    "deletePod": pods.delete_pod,
    "podAction": pods.pod_action,
    "getPodLogs": pods.pod_logs,
    "listGpuTypes": catalog.list_gpus,
    "getGpuType": catalog.get_gpu,
    "listDataCenters": catalog.list_data_centers,
    "getDataCenter": catalog.get_data_center,
    "getSshKeys": account.get_ssh_keys,
    "updateSshKeys": account.update_ssh_keys,
    "listNetworkVolumes": account.list_volumes,
    "createNetworkVolume": account.create_volume,
    "getNetworkVolume": account.get_volume,
    "updateNetworkVolume": account.update_volume,
    "deleteNetworkVolume": account.delete_volume,
    "listTemplates": templates.list_templates,
    "getTemplate": templates.get_template,
    "listPublicTemplates": templates.list_public_templates,
    "listPodBilling": billing.list_pod_billing,
}


def build_app(simulator: Simulator) -> web.Application:
    app = web.Application(middlewares=[pipeline], client_max_size=16 * 1024 * 1024)
    app[SIMULATOR] = simulator
    app.on_response_prepare.append(add_headers)
    for operation, (method, path) in OPERATIONS.items():
        app.router.add_route(method, path, HANDLERS[operation])
    app.router.add_get("/sim/health", control.health)
    app.router.add_get("/sim/ledger", control.ledger)
    app.router.add_post("/sim/scenario", control.scenario)
    app.router.add_post("/sim/clock", control.clock)
    return app
