"""Keys, connections and clients of the hosted providers: the real libraries, over real sockets."""

import asyncio
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from agent_lab.contracts.errors import EnvironmentFaultError, ProviderError, UnusableError
from agent_lab.contracts.registry import ProviderSpec
from agent_lab.providers.hosted import hearing
from agent_lab.providers.hosted.openai import ChatDialect, OpenAILibrary
from agent_lab.providers.hosted.provider import HostedProvider
from agent_lab.providers.hosted.vendors import hosted_provider as provider_of
from api.doors import until
from support.hosted import CANARY, Kind, error_of, hosted_call, hosted_provider, hosted_spec, pieces_of, vendor
from support.vendor_server import VendorServer, vendor_server

pytest_plugins = ("support.hosted_fixtures",)


async def test_a_redirect_takes_no_key_along(kind: Kind) -> None:
    async with vendor_server() as other:
        await error_of(kind, status="307 Moved", headers={"location": f"{other.url}/v1/messages"}, body="")
    assert other.received == []


async def test_a_key_and_nothing_else_of_the_environment_reaches_the_vendor(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "foreign")
    for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "x-mine: foreign")
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with vendor_server() as server:
        for key, key_env in ((CANARY, "VENDOR_KEY"), (None, None)):
            provider = hosted_provider(kind, server, key=key, key_env=key_env)
            await pieces_of(provider, hosted_call(kind))
            await provider.close()
    with_key, without = (json.dumps(request.headers) for request in server.received)
    assert CANARY in with_key
    assert "foreign" not in with_key + without
    assert "authorization" not in without
    assert "x-api-key" not in without


async def test_no_figures_about_this_machine_are_sent(kind: Kind) -> None:
    async with vendor(kind) as (server, provider):
        await pieces_of(provider, hosted_call(kind))
    assert set(server.received[0].headers) <= {
        "accept", "accept-encoding", "anthropic-version", "authorization", "content-length", "content-type", "host",
        "user-agent", "x-api-key",
    }  # fmt: skip
    assert server.received[0].headers["accept-encoding"] == "identity"


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[VendorServer], None]:
    def use(server: VendorServer) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://user:pass@127.0.0.1:{server.port}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "beside.invalid")

    return use


async def test_a_proxy_of_this_machine_is_used_for_addresses_beyond_it(
    kind: Kind, proxied: Callable[[VendorServer], None]
) -> None:
    async with vendor_server(text="one two") as proxy:
        proxied(proxy)
        provider = provider_of(hosted_spec(kind, "http://vendor.invalid"), SecretStr(CANARY))
        await pieces_of(provider, hosted_call(kind))
        await provider.close()
    (request,) = proxy.received
    assert request.path.startswith("http://vendor.invalid/")
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"


async def test_a_proxy_on_the_way_to_https_is_told_its_password_and_not_the_key(
    kind: Kind, proxied: Callable[[VendorServer], None]
) -> None:
    async with vendor_server(status="403 No", body="") as proxy:
        proxied(proxy)
        provider = provider_of(hosted_spec(kind, "https://vendor.invalid"), SecretStr(CANARY))
        with pytest.raises(ProviderError):
            await pieces_of(provider, hosted_call(kind))
        await provider.close()
    (request,) = proxy.received
    assert request.path == "vendor.invalid:443"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert CANARY not in str(request)


async def test_an_address_that_is_exempt_from_the_proxy_is_called_without_it(
    kind: Kind, proxied: Callable[[VendorServer], None]
) -> None:
    async with vendor_server() as proxy:
        proxied(proxy)
        provider = provider_of(hosted_spec(kind, "http://beside.invalid"), SecretStr(CANARY))
        with pytest.raises(UnusableError, match=r"cannot be reached at beside\.invalid"):
            await pieces_of(provider, hosted_call(kind))
        await provider.close()
    assert proxy.received == []


async def test_what_is_no_key_is_not_sent_and_not_shown(kind: Kind) -> None:
    async with vendor_server() as server:
        provider = hosted_provider(kind, server, key="kéy\nwith lines")
        with pytest.raises(UnusableError, match="VENDOR_KEY holds something that is no key") as caught:
            await pieces_of(provider, hosted_call(kind))
    assert "lines" not in "".join(traceback.format_exception(caught.value))
    assert server.received == []


@pytest.mark.parametrize("missing", ["the vendor's", "aiohttp"])
async def test_a_library_that_is_not_installed_is_named(
    kind: Kind, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = "anthropic" if kind == "anthropic" else "openai"
    monkeypatch.setitem(sys.modules, "aiohttp" if missing == "aiohttp" else library, None)
    monkeypatch.delitem(sys.modules, "agent_lab.providers.hosted.http", raising=False)
    monkeypatch.delattr("agent_lab.providers.hosted.http", raising=False)
    async with vendor(kind) as (_, provider):
        with pytest.raises(EnvironmentFaultError, match=rf"'{library}'; install it: pip install 'agent-lab\[hosted\]'"):
            await pieces_of(provider, hosted_call(kind))


async def test_a_model_whose_row_names_a_protocol_that_the_provider_lacks_is_told_so() -> None:
    async with vendor("anthropic") as (_, provider):
        with pytest.raises(UnusableError, match="'vendor' does not speak the protocol 'responses'"):
            await pieces_of(provider, hosted_call("responses"))


async def test_one_provider_serves_each_model_with_the_protocol_of_its_row() -> None:
    async with vendor("openai", text="one") as (server, provider):
        await pieces_of(provider, hosted_call("openai"))
        await pieces_of(provider, hosted_call("responses"))
    assert [request.path for request in server.received] == ["/v1/chat/completions", "/v1/responses"]


async def test_cancelling_closes_the_connection(kind: Kind) -> None:
    async with vendor(kind, delay_s=0.05) as (server, provider):
        task = asyncio.create_task(pieces_of(provider, hosted_call(kind)))
        await until(lambda: server.at_work == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.idle.wait(), 30)
        assert server.at_work == 0


async def test_calls_that_follow_each_other_share_a_connection(
    kind: Kind, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "CLOSING_S", 30.0)  # the end of an answer may be late on a busy machine
    async with vendor(kind, text="one two") as (server, provider):
        for _ in range(5):
            await pieces_of(provider, hosted_call(kind, streamed=streamed))
    assert (len(server.received), server.connections) == (5, 1)


async def test_a_connection_that_the_vendor_closed_is_not_used_again(kind: Kind) -> None:
    async with vendor(kind, text="one two") as (server, provider):
        await pieces_of(provider, hosted_call(kind))
        for transport in list(server.open):
            transport.close()
        await asyncio.sleep(0.05)
        await pieces_of(provider, hosted_call(kind))
    assert server.connections == 2


class Counting(OpenAILibrary):
    """Counts the clients that are opened, and whether they are closed again."""

    def __init__(self) -> None:
        self.clients: list[Any] = []

    def open(self, spec: ProviderSpec, secret: str, http: Any) -> Any:
        self.clients.append(super().open(spec, secret, http))
        return self.clients[-1]


async def test_calls_at_once_share_one_client_that_is_closed_with_the_provider() -> None:
    library = Counting()
    async with vendor_server(text="one") as server:
        spec = hosted_spec("openai", server.url)
        provider = HostedProvider(spec, SecretStr(CANARY), library, {"chat": ChatDialect()})
        await asyncio.gather(*(pieces_of(provider, hosted_call()) for _ in range(8)))
        (client,) = library.clients
        assert not client.is_closed()
        await provider.close()
    assert client.is_closed()
