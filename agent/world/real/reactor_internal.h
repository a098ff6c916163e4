// What Reactor hides: for the .cc files of agent/world/real that register sockets and pipes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>

#include "agent/world/real/reactor.h"

namespace medic {

struct Reactor::Native {
    boost::asio::io_context context{1};  // One thread: Asio needs no locks inside.
    struct Timer {
        boost::asio::steady_timer timer;
        std::function<void()> work;
        Duration interval{0};  // 0: once.
    };
    std::map<TimerId, std::shared_ptr<Timer>> timers;
    TimerId next_timer = 1;
    void arm(TimerId id, const std::shared_ptr<Timer>& timer);
};

}  // namespace medic
