// The changes of one Kafka cluster, one after another on a thread of their own: a coordinator that hangs holds up no
// other cluster, and what has waited for longer than it may take is not sent any more.
#pragma once

#include <functional>
#include <string>

#include "agent/base/result.h"
#include "agent/daemon/time_left.h"
#include "agent/world/operation.h"
#include "agent/world/real/worker.h"

namespace medic {

class KafkaChanges {
public:
    using Change = std::function<Result<std::string>(const Operation&, const TimeLeft&)>;  // May wait.
    using Done = std::function<void(Result<std::string>)>;

    KafkaChanges(Change change, TimeLeft::Clock clock);

    // The operation's timeout begins now. `done` is called once, here or on the thread; not_ready: it was never sent.
    void send(const Operation& operation, const Done& done);
    void stop();  // As Worker's.

private:
    Change change_;
    TimeLeft::Clock clock_;
    Worker worker_;  // Last: its thread uses the others.
};

}  // namespace medic
