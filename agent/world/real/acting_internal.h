// Test support: a RealWorld with one cluster, which is sent operations and waits for their replies.
#pragma once

#include <gtest/gtest.h>

#include "agent/world/real/real_world.h"
#include "agent/world/real/running_internal.h"

namespace medic::world_test {

struct Acting : Running {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<OperationReply> replies;
    std::unique_ptr<RealWorld> world;

    explicit Acting(ClusterDoors doors) {
        world =
            std::make_unique<RealWorld>(reactor, fetcher, std::map<std::string, ClusterDoors>{{"c", std::move(doors)}},
                                        [this](OperationReply reply) {
                                            const std::lock_guard lock(mutex);
                                            replies.push_back(std::move(reply));
                                            changed.notify_all();
                                        });
    }
    Result<std::string> act(OperationBody body, const std::string& key = "I1/1/1",
                            Duration timeout = Duration{10'000}) {
        world->send({.key = key, .cluster = "c", .body = std::move(body), .timeout = timeout, .idempotent = false});
        return reply_to(key);
    }
    Result<std::string> reply_to(const std::string& key) {
        std::unique_lock lock(mutex);
        const auto has = [&] { return !replies.empty() && replies.back().key == key; };
        if (!changed.wait_for(lock, std::chrono::seconds(30), has)) return fail(ErrorCode::internal, "no reply");
        return replies.back().detail;
    }
};

// What the server has been asked, once it has answered one more look.
inline std::vector<std::string> seen_at_last(Acting& acting, Server& server) {
    FetchRequest afterwards;
    afterwards.url = server.url() + "/afterwards";
    afterwards.timeout = Duration{20'000};
    EXPECT_TRUE(acting.fetch(afterwards));
    const std::lock_guard lock(server.mutex);
    return server.seen;
}

inline const std::vector<std::string> only_afterwards = {"GET /afterwards "};

}  // namespace medic::world_test
