// What can go wrong in a run, one function each, and what people ask for meanwhile. When it does: disturb.cc.
#include "tests/simulation/run_internal.h"

namespace medic::simulation {

void Run::hurt_cluster(sim::Seeded chance) {
    faults_ever_ = true;
    if (chance.chance(10)) {  // Somebody looks after it, too, and takes a savepoint first.
        observer_.somebody_at_work = true;
        over_at_["work"] = wall_ + Duration{chance.between(5'000, 60'000)};
        probe("somebody-at-work");
    }
    auto& nodes = cluster_.nodes;
    const auto name = fmt::format("tm-{}", chance.between(1, 4));
    sim::SimNode& node = nodes[name];
    switch (chance.between(0, 9)) {
        case 0:
            node.up = false;
            node.faulty_at = wall_;
            probe("node-lost");
            break;
        case 1:
            if (node.up) {
                node.frozen = true;
                node.faulty_at = wall_;
                probe("node-frozen");
            }
            break;
        case 2: {
            sim::SimTask& task = cluster_.tasks[static_cast<int>(chance.between(0, 1))];
            task.stuck = true;
            task.stuck_again = chance.chance(25);
            probe("task-stuck");
            break;
        }
        case 3:
            cluster_.tasks[static_cast<int>(chance.between(0, 1))].state = "FAILED";
            probe("task-failed");
            if (chance.chance(30)) cluster_.change_settings(wall_), probe("settings-changed");
            break;
        case 4:
            if (cluster_.job.state == "RUNNING" && !node.spare && node.up) {
                cluster_.job.blocked_by = name;
                node.faulty_at = wall_;
                probe("connector-blocks-restart");
            }
            break;
        case 5:
            if (cluster_.job.state == "RUNNING") cluster_.job.version = "v2", probe("bad-deployment");
            break;
        case 6:
            cluster_.disk.growth_per_second = static_cast<double>(chance.between(1'000, 20'000));
            probe("disk-fills");
            break;
        case 7:
            if (cluster_.end_job(wall_)) {
                over_at_["job"] = wall_ + Duration{chance.between(20'000, 120'000)};
                probe("job-ended-by-person");
            }
            break;
        case 8:
            cluster_.restart_broker(Duration{chance.between(0, 30'000)});
            probe("leaders-displaced");
            break;
        default:  // A flap: gone and back before anybody can do anything about it.
            if (node.up && !node.frozen) {
                node.frozen = true;
                node.faulty_at = wall_;
                over_at_["thaw " + name] = wall_ + Duration{chance.between(500, 4'000)};
                probe("flap");
            }
            break;
    }
}

// A broker is lost, frozen, or frozen for a moment.
void Run::hurt_broker(sim::Seeded chance) {
    faults_ever_ = true;
    const auto name = fmt::format("broker-{}", chance.between(1, 3));
    sim::SimBroker& broker = cluster_.brokers[name];
    if (!broker.serves()) return;
    const auto what = chance.between(0, 2);
    if (what == 0) broker.up = broker.stopped_in_order = false;
    if (what != 0) broker.frozen = true;
    if (what == 2) over_at_["thaw " + name] = wall_ + Duration{chance.between(500, 20'000)};
    probe(what == 0 ? "broker-lost" : "broker-frozen");
}

// A record that the sink can't put, or its worker is lost or frozen.
void Run::hurt_connect(sim::Seeded chance) {
    faults_ever_ = true;
    if (chance.chance(60)) {
        cluster_.poison_record(chance.between(0, 400));
        return probe("record-poison");
    }
    if (!cluster_.worker.answers()) return;
    const bool frozen = chance.chance(40);
    if (frozen)
        cluster_.worker.frozen = true;
    else
        cluster_.lose_worker();
    probe(frozen ? "worker-frozen" : "worker-lost");
}

// A client replays a topic as fast as it can, for a while.
void Run::make_noise(sim::Seeded chance) {
    faults_ever_ = true;
    cluster_.noise = 1e6 * static_cast<double>(chance.between(60, 200));
    over_at_["noise"] = wall_ + Duration{chance.between(60'000, 400'000)};
    probe("noisy-client");
}

// A person wants all brokers, or all task managers, restarted one after another.
void Run::ask_for_roll(sim::Seeded chance) {
    faults_ever_ = true;  // From now on there may be something to do.
    inbox_.emplace_back(OperatorCommand{.kind = OperatorCommand::Kind::roll,
                                        .target = "lab",
                                        .reason = "patches",
                                        .by = "ann",
                                        .role = chance.chance(70) ? "broker" : "taskmanager"});
    probe("roll-asked");
}

// A good version, a bad one, one that can't even be loaded, or the one that runs.
void Run::ask_for_deployment(sim::Seeded chance) {
    faults_ever_ = true;
    OperatorCommand command{.kind = OperatorCommand::Kind::deploy, .target = "lab", .reason = "release", .by = "ann"};
    command.deployment = {.job = "fleet",
                          .version = fmt::format("v{}", chance.between(1, 4)),
                          .from = {},
                          .accept = {},
                          .dry_run = chance.chance(10)};
    if (chance.chance(50)) command.deployment.accept.insert("checkpoint");
    inbox_.emplace_back(std::move(command));
    probe("deployment-asked");
}

// A producer is never heard of again, and its coordinator knows nothing of what it has begun.
void Run::leave_transaction_open() {
    const bool now = late_comers_.between(1, 1'500) == 1;
    const Duration silent{late_comers_.between(14 * 60'000, 40 * 60'000)};
    if (!now || !happens("transaction")) return;
    faults_ever_ = true;
    cluster_.leave_transaction_open(silent);
    probe("transaction-hangs");
}

// Broker 2 is slow for a while: by itself, or because of what is written to it; somebody may move replicas meanwhile.
void Run::slow_down() {
    const bool now = slowness_.between(1, 1'500) == 1, by_load = slowness_.chance(25), moves = slowness_.chance(25);
    const Duration lasts{slowness_.between(60'000, 500'000)}, moving{slowness_.between(5'000, 60'000)};
    if (!now || over_at_.contains("slow") || !happens("slowness")) return;
    faults_ever_ = true;
    cluster_.shipments.slow_load = by_load;
    if (!by_load) cluster_.shipments.slow_broker = 2;
    over_at_["slow"] = wall_ + lasts;
    probe(by_load ? "load-slow" : "broker-slow");
    if (!moves) return;
    cluster_.shipments.moving = 3;
    over_at_["moves"] = wall_ + moving;
    probe("replicas-moved");
}

// Somebody asks for more replicas than a topic has.
void Run::mistake_a_setting() {
    if (mistakes_.between(1, 1'500) != 1 || !happens("topic-setting")) return;
    faults_ever_ = true;
    cluster_.raise_min_in_sync(wall_);
    probe("topic-setting-changed");
}

// A person knows something of a node that no metric tells, for a while.
void Run::cordon() {
    constexpr std::array nodes{"tm-1", "tm-2", "tm-3", "tm-4", "connect-1", "broker-1", "broker-3"};
    const bool now = cordons_.between(1, 600) == 1;
    const std::string node = nodes[static_cast<std::size_t>(cordons_.between(0, nodes.size() - 1))];
    const Duration lasts{cordons_.between(5'000, 120'000)};
    if (!now || over_at_.contains("cordon " + node) || !happens("cordon")) return;
    OperatorCommand command{.kind = OperatorCommand::Kind::cordon, .target = "lab", .reason = "its disk", .by = "ann"};
    command.nodes = {node};
    inbox_.emplace_back(command);
    over_at_["cordon " + node] = wall_ + lasts;
    probe("node-cordoned");
}

// The disk of the only copy in sync fails. It may be brought back, also while somebody thinks about giving it up.
void Run::lose_the_copy_in_sync() {
    const bool now = copies_.between(1, 1'500) == 1, comes_back = copies_.chance(50);
    const Duration after{copies_.between(30'000, 300'000)};
    if (!now || !happens("copy-lost")) return;
    faults_ever_ = true;
    cluster_.lose_entries(wall_, comes_back ? std::optional(after) : std::nullopt);
    probe("copy-in-sync-lost");
}

// A coordinator that never comes back, on a broker that does all else, until somebody starts that anew.
void Run::hang_the_coordinator() {
    const bool now = hangs_.between(1, 1'500) == 1, ends = hangs_.chance(40);
    const Duration after{hangs_.between(40'000, 300'000)};
    if (!now || !happens("coordinator")) return;
    faults_ever_ = true;
    cluster_.hang_coordinator(wall_, ends ? std::optional(after) : std::nullopt);
    probe("coordinator-hangs");
}

// A task manager at which whatever it is given fails, while the others do the same work: its disk, its descriptors.
void Run::make_faulty() {
    const bool now = late_comers_.between(1, 1'200) == 1;
    const auto name = fmt::format("tm-{}", late_comers_.between(1, 4));
    sim::SimNode& node = cluster_.nodes[name];
    if (!now || node.spare || !node.up || node.frozen || !happens("faulty")) return;
    faults_ever_ = true;
    node.faulty = true;
    node.faulty_at = wall_;
    probe("node-faulty");
}

// Somebody's pipeline changes a connector all the time; in the end somebody notices, ends it and lets the connector
// run.
void Run::make_flap() {
    const bool now = late_comers_.between(1, 1'500) == 1;
    const Duration lasts{late_comers_.between(60'000, 400'000)};
    const bool knows_stop = late_comers_.chance(70);
    if (!now || cluster_.flapping.changes || !happens("flapping")) return;
    faults_ever_ = true;
    cluster_.flapping.changes = true;
    cluster_.flapping.knows_stop = knows_stop;
    over_at_["flapping"] = wall_ + lasts;
    probe("connector-flaps");
}

// What hits one hits others: a rack, a kernel, a noisy neighbour.
void Run::hurt_nodes(sim::Seeded chance) {
    faults_ever_ = true;
    const bool frozen = chance.chance(70);
    for (auto& [name, node] : cluster_.nodes) {
        if (!node.up || !chance.chance(60)) continue;
        node.up = frozen, node.frozen = frozen;
        node.faulty_at = wall_;
    }
    probe("nodes-at-once");
}

// More is offered to the job for a while than it carries; one in five times what it writes to is the bound, and more
// subtasks only make that slower.
void Run::grow_load() {
    const bool now = loads_.between(1, 1'200) == 1, hurts = loads_.chance(20);
    const int needed = static_cast<int>(loads_.between(3, 6));
    const Duration lasts{loads_.between(120'000, 600'000)};
    if (!now || over_at_.contains("load") || !happens("load")) return;
    faults_ever_ = true;
    cluster_.load.needed = needed;
    cluster_.load.hurts = hurts;
    over_at_["load"] = wall_ + lasts;
    probe(hurts ? "load-grows-in-vain" : "load-grows");
}

}  // namespace medic::simulation
