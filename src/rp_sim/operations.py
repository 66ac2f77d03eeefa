"""The operations that the simulator serves, by the operationId of the contract."""

from __future__ import annotations

OPERATIONS: dict[str, tuple[str, str]] = {
    "listPods": ("GET", "/v2/pods"),
    "createPod": ("POST", "/v2/pods"),
    "getPod": ("GET", "/v2/pods/{id}"),
    "updatePod": ("PATCH", "/v2/pods/{id}"),
    "deletePod": ("DELETE", "/v2/pods/{id}"),
    "podAction": ("POST", "/v2/pods/{id}/action"),
    "getPodLogs": ("GET", "/v2/pods/{id}/logs"),
    "listGpuTypes": ("GET", "/v2/catalog/gpus"),
    "getGpuType": ("GET", "/v2/catalog/gpus/{id}"),
    "listDataCenters": ("GET", "/v2/catalog/datacenters"),
    "getDataCenter": ("GET", "/v2/catalog/datacenters/{id}"),
    "getSshKeys": ("GET", "/v2/account/ssh-keys"),
    "updateSshKeys": ("PUT", "/v2/account/ssh-keys"),
    "listNetworkVolumes": ("GET", "/v2/network-volumes"),
    "createNetworkVolume": ("POST", "/v2/network-volumes"),
    "getNetworkVolume": ("GET", "/v2/network-volumes/{id}"),
    "updateNetworkVolume": ("PATCH", "/v2/network-volumes/{id}"),
    "deleteNetworkVolume": ("DELETE", "/v2/network-volumes/{id}"),
    "listTemplates": ("GET", "/v2/templates"),
    "getTemplate": ("GET", "/v2/templates/{id}"),
    "listPublicTemplates": ("GET", "/v2/catalog/templates"),
    "listPodBilling": ("GET", "/v2/billing/pods"),
}
