"""The user's setup scripts."""

from conftest import User, World

LOCAL = 'echo "local for $POD_HOST"; ssh -F "$RP_SSH_CONFIG" "$POD_HOST" "echo made by setup_local > from_local"\n'
REMOTE = "#!/bin/sh\nset -e\necho step one\necho step two >&2\npwd > where\ncat from_local\n"


def test_the_local_script_runs_first_and_can_reach_the_pod_then_the_remote_one(user: User, world: World) -> None:
    user.write_template()
    user.write_config("setup_local.sh", LOCAL)
    user.write_config("setup_remote.sh", REMOTE)

    result = user.rp("deploy", "sd", "--alias", "my-pod")

    said = [line.split("] ", 1)[1] for line in result.err.splitlines() if "setup_" in line]
    assert said == [
        "running setup_local.sh",
        "setup_local.sh: local for my-pod",
        "running setup_remote.sh",
        "setup_remote.sh: step one",
        "setup_remote.sh: step two",
        "setup_remote.sh: made by setup_local",
    ]


def test_scripts_are_left_out_on_request(user: User, world: World) -> None:
    user.write_template()
    user.write_config("setup_local.sh", "exit 1\n")
    user.write_config("setup_remote.sh", "exit 1\n")

    user.rp("deploy", "sd", "--no-local-setup", "--no-remote-setup")


def test_the_template_can_leave_them_out(user: User, world: World) -> None:
    user.write_template(postDeploy={"runLocalSetup": False, "runRemoteSetup": False})
    user.write_config("setup_local.sh", "exit 1\n")
    user.write_config("setup_remote.sh", "exit 1\n")

    user.rp("deploy", "sd")
