#include "engine/flow/runtime/rpc_internal.h"

#include <sys/socket.h>

#include <array>
#include <future>

#include <gtest/gtest.h>

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;

TEST(RpcConnection, ClosesOnceAllThatWasSentIsOut) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    std::vector<json> received;
    std::promise<void> ended;
    RpcConnection from(ends[0]), to(ends[1]);
    from.start([](const json&) {}, [] {});
    to.start([&](const json& message) { received.push_back(message); }, [&] { ended.set_value(); });
    constexpr int before = 200;  // More than a socket takes at once.
    const std::string much(4'096, 'x');
    for (int i = 0; i < before; ++i) from.send({{"number", i}, {"text", much}});
    from.close_after({{"number", before}});
    from.send({{"number", "too late"}});
    ended.get_future().wait();
    ASSERT_EQ(received.size(), std::size_t{before + 1});
    for (int i = 0; i <= before; ++i) EXPECT_EQ(received[static_cast<std::size_t>(i)].at("number"), i);
}

}  // namespace
}  // namespace medic::engine::flow
