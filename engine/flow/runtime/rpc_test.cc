#include "engine/flow/runtime/rpc_internal.h"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <thread>

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

// Who lets go of a connection after stop() is the last one, whatever its reader was at.
TEST(RpcConnection, StopWaitsForAReaderThatHoldsIt) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    RpcConnection from(ends[0]);
    const auto held = std::make_shared<RpcConnection>(ends[1]);
    std::promise<void> taken, may_go;
    std::atomic<bool> gone = false;
    from.start([](const json&) {}, [] {});
    held->start(
        [&, weak = std::weak_ptr(held)](const json&) {
            const auto self = weak.lock();
            taken.set_value();
            may_go.get_future().wait();
        },
        [&] { gone = true; });
    from.send({{"type", "heartbeat"}});
    taken.get_future().wait();
    std::thread later([&] { may_go.set_value(); });
    held->stop();
    EXPECT_TRUE(gone);
    EXPECT_EQ(held.use_count(), 1);
    later.join();
}

}  // namespace
}  // namespace medic::engine::flow
