// One operation, sent as the agent sends it, and what came of it. Contract and live tests only.
#pragma once

#include <future>
#include <thread>

#include "agent/world/real/real_world.h"

namespace medic::contract {

inline Result<std::string> perform(const ClusterDoors& doors, const std::string& key, OperationBody body) {
    std::promise<Result<std::string>> answer;
    Reactor reactor;
    HttpFetcher fetcher(reactor, {});
    RealWorld world(reactor, fetcher, {{doors.name, doors}},
                    [&](OperationReply reply) { answer.set_value(std::move(reply.detail)); });
    std::thread thread([&] { reactor.run(); });
    world.send({.key = key, .cluster = doors.name, .body = std::move(body), .timeout = Duration{30'000}});
    auto detail = answer.get_future().get();
    reactor.stop();
    thread.join();
    return detail;
}

}  // namespace medic::contract
