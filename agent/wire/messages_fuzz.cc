// Any bytes as any message in any version: no crash, and what is accepted is written and read again to the same
// message.
#include <cstdint>
#include <cstdlib>

#include "agent/wire/consumer_protocol.h"
#include "agent/wire/frame.h"
#include "agent/wire/messages/all.h"

namespace {

using namespace medic::wire;

template <class T>
void try_message(BytesView body, std::int16_t version) {
    const auto message = decode<T>(body, version);
    if (!message) return;
    const auto frame = encode_response(version, 1, *message);
    if (!frame) std::abort();
    const auto again_body = decode_response_header(BytesView(*frame).substr(kSizePrefixBytes), T::api, version, 1);
    if (!again_body) std::abort();
    const auto again = decode<T>(*again_body, version);
    if (!again || !(*again == *message)) std::abort();
}

template <class Request>
void try_api(ApiKey key, BytesView body, std::int16_t version) {
    if (Request::api != key) return;
    try_message<Request>(body, version);
    try_message<typename Request::Response>(body, version);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView bytes(reinterpret_cast<const char*>(data), size);
    if (size < 2) return 0;
    const auto apis = all_apis();
    const ApiInfo& info = apis[data[0] % apis.size()];
    const int versions = info.version_max - info.version_min + 1;
    const auto version = static_cast<std::int16_t>(info.version_min + data[1] % versions);
    const BytesView body = bytes.substr(2);
    std::apply(
        [&](const auto&... request) { (try_api<std::decay_t<decltype(request)>>(info.key, body, version), ...); },
        AllRequests{});
    (void)decode_request_header(bytes);
    (void)frame_size(bytes);
    (void)decode_subscription(body);
    (void)decode_assignment(body);
    return 0;
}
