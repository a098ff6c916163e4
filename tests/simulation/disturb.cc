// When something goes wrong in a run, how long it lasts, and what people do meanwhile. The faults: faults.cc.
#include "tests/simulation/run_internal.h"

namespace medic::simulation {
namespace {

constexpr Duration frozen_clock_step{3'600'000};
constexpr Duration long_ago{24 * 3'600'000};

}  // namespace

// Alerts of many things at once, each an incident of its own; they end with the cause that they share.
void Run::storm(bool firing, Duration lasts) {
    if (firing) storm_began_ = wall_;
    for (int i = 0; i < 12; ++i)
        inbox_.emplace_back(Alert{.fingerprint = fmt::format("s{}", i),
                                  .starts_at = storm_began_,
                                  .firing = firing,
                                  .subject = {"lab", "topic", fmt::format("t{}", i)},
                                  .name = "UnderReplicated",
                                  .received_from = "prom",
                                  .labels = {},
                                  .annotations = {}});
    if (!firing) return;
    over_at_["storm"] = wall_ + lasts;
    probe("incident-storm");
}

void Run::hurt_sight(sim::Seeded chance) {
    const WallTime until = wall_ + Duration{chance.between(2'000, 60'000)};
    switch (chance.between(0, 9)) {
        case 0:
            observer_.dark = true;
            over_at_["dark"] = until;
            probe("facts-dark");
            break;
        case 1:
            observer_.frozen = true;
            over_at_["frozen"] = until;
            probe("facts-frozen");
            break;
        case 2:
            observer_.blind = true;
            over_at_["blind"] = until;
            probe("targets-blind");
            break;
        case 3:  // Somebody is at work, which shows as a savepoint or as a silence.
            if (until.unix_ms % 2 == 0) {
                observer_.silenced = true;
                over_at_["silence"] = until;
                probe("silenced");
            } else {
                observer_.somebody_at_work = true;
                over_at_["work"] = until;
                probe("somebody-at-work");
            }
            break;
        case 4:
            observer_.paused_by_file = true;
            over_at_["pause-file"] = until;
            probe("pause-file");
            break;
        case 5:
            inbox_.emplace_back(OperatorCommand{OperatorCommand::Kind::pause, "lab", "game day", "ann"});
            over_at_["pause"] = until;
            probe("pause");
            break;
        case 6:
            full_ = journal_->limit_bytes(1).has_value();
            over_at_["full"] = until;
            probe("journal-full");
            break;
        case 7: lose_lease(); break;
        case 8:
            observer_.everywhere = true;
            over_at_["everywhere"] = until;
            probe("fault-everywhere");
            break;
        default: {
            const Duration by{chance.chance(50) ? frozen_clock_step.count() : -frozen_clock_step.count()};
            wall_ = wall_ + by;
            if (compared_) clock_stepped_ = monotonic_;  // An agent that has just started can't see it.
            observer_.shift(by);
            cluster_.set_clock(by);
            // Times in the journal are those of the wall clock: an agent that starts after a step, or dies before it
            // could write what it made of one, can't tell how long ago they are.
            for (auto& [cause, told] : told_of_others_) told.known_since.reset();
            for (auto& [id, opened] : opened_) opened = {monotonic_ - long_ago, wall_ - long_ago};
            for (auto& [name, at] : over_at_) at = at + by;
            for (auto& [name, node] : cluster_.nodes)
                if (node.faulty_at.unix_ms != 0) node.faulty_at = node.faulty_at + by;
            probe("clock-step");
        }
    }
}

// The same few alerts over and over.
void Run::storm_of_alerts(sim::Seeded chance) {
    for (int i = 0; i < 50; ++i)
        inbox_.emplace_back(Alert{.fingerprint = fmt::format("f{}", i % 3),
                                  .starts_at = WallTime{wall_.unix_ms / 600'000},
                                  .firing = chance.chance(70),
                                  .subject = {"lab", "taskmanager", fmt::format("tm-{}", 1 + i % 3)},
                                  .name = "TaskManagerDown",
                                  .received_from = "prom",
                                  .labels = {},
                                  .annotations = {}});
    probe("alert-storm");
}

void Run::disturb() {
    // Drawn whether they are needed or not: what is left out changes nothing for the others.
    std::vector<sim::Seeded> own;
    for (int i = 0; i < 12; ++i) own.emplace_back(chance_.next());
    if (chanced(200, "fault")) hurt_cluster(own[0]);
    if (chanced(2'000, "faults-at-once")) {
        hurt_cluster(own[1]);
        hurt_cluster(own[2]);
        probe("faults-at-once");
    }
    if (chanced(1'500, "nodes")) hurt_nodes(own[3]);
    if (chanced(2'500, "incidents") && !over_at_.contains("storm"))
        storm(true, Duration{own[4].between(3'000, 90'000)});
    if (chanced(400, "sight")) hurt_sight(own[5]);
    if (chanced(400, "alerts")) storm_of_alerts(own[6]);
    if (chanced(900, "broker")) hurt_broker(own[7]);
    if (chanced(1'200, "roll")) ask_for_roll(own[8]);
    if (chanced(600, "deployment")) ask_for_deployment(own[9]);
    leave_transaction_open();
    slow_down();
    mistake_a_setting();
    cordon();
    lose_the_copy_in_sync();
    hang_the_coordinator();
    grow_load();
    make_faulty();
    make_flap();
    if (chanced(900, "connect")) hurt_connect(own[10]);
    if (chanced(1'500, "noise")) make_noise(own[11]);
    end_what_is_over();
}

void Run::end_what_is_over() {
    std::vector<std::string> over;
    for (const auto& [name, at] : over_at_)
        if (wall_ >= at) over.push_back(name);
    for (const auto& name : over) {
        over_at_.erase(name);
        passes(name);
    }
}

// The way is cut: the answer to what has just left is lost, and nothing can be looked up for longer than it takes to
// give up waiting.
void Run::cut_off() {
    observer_.dark = true;
    over_at_["dark"] = wall_ + Duration{chance_.between(20'000, 120'000)};
    probe("cut-off");
}

// The other agent takes over, or nobody can tell who acts. What it finds broken it mends, as this one would.
void Run::lose_lease() {
    if (!options_.several_agents) return;
    const bool another = chance_.chance(70);
    observer_.agent = another ? Observer::Acting::another : Observer::Acting::unknown;
    over_at_["lease"] = wall_ + Duration{chance_.between(5'000, 120'000)};
    probe(another ? "lease-elsewhere" : "lease-unknown");
    if (!another || chance_.chance(50)) return;
    for (auto& [name, node] : cluster_.nodes)
        if (!node.spare && (!node.up || node.frozen || node.faulty)) node.up = true, node.frozen = node.faulty = false;
}

void Run::passes(const std::string& name) {
    if (name == "dark")
        observer_.dark = false;
    else if (name == "frozen")
        observer_.frozen = false;
    else if (name == "blind")
        observer_.blind = false;
    else if (name == "work")
        observer_.somebody_at_work = false;
    else if (name == "everywhere")
        observer_.everywhere = false;
    else if (name == "lease")
        observer_.agent = Observer::Acting::ours;
    else if (name == "silence")
        observer_.silenced = false;
    else if (name == "pause-file")
        observer_.paused_by_file = false;
    else if (name == "pause")
        inbox_.emplace_back(OperatorCommand{OperatorCommand::Kind::resume, "lab", "", "ann"});
    else if (name == "full")
        full_ = !journal_->limit_bytes(journal_bytes_plenty).has_value();
    else if (name == "storm")
        storm(false);
    else if (name == "noise")
        cluster_.noise = 0;
    else if (name == "slow")
        cluster_.shipments.slow_broker.reset(), cluster_.shipments.slow_load = false;
    else if (name == "load")
        cluster_.load.needed = sim::SimLoad::usual, cluster_.load.hurts = false;
    else if (name == "moves")
        cluster_.shipments.moving = 0;
    else if (name == "flapping")
        cluster_.flapping = {};
    else if (name == "job")
        cluster_.start_job_again();
    else if (name.starts_with("cordon ")) {
        OperatorCommand command{.kind = OperatorCommand::Kind::uncordon, .target = "lab", .reason = "", .by = "ann"};
        command.nodes = {name.substr(7)};
        inbox_.emplace_back(command);
    } else if (const auto broker = cluster_.brokers.find(name.substr(5)); broker != cluster_.brokers.end())
        broker->second.frozen = false;
    else
        cluster_.nodes[name.substr(5)].frozen = false;
}

// The disturbances end; what they have broken stays for the agent.
void Run::settle() {
    for (auto& [name, at] : over_at_) at = wall_;
    end_what_is_over();
    cluster_.disk.growth_per_second = 0;
    cluster_.bad_passage_percent = 0;
    observer_.dark = observer_.frozen = observer_.blind = observer_.somebody_at_work = observer_.silenced =
        observer_.paused_by_file = false;
    observer_.agent = Observer::Acting::ours;
    observer_.everywhere = false;
    storm(false);
    inbox_.emplace_back(OperatorCommand{OperatorCommand::Kind::resume, "lab", "", "ann"});
    static_cast<void>(journal_->limit_bytes(journal_bytes_plenty).has_value());
    for (int i = 0; i < 3; ++i)
        inbox_.emplace_back(Alert{.fingerprint = fmt::format("f{}", i),
                                  .starts_at = WallTime{wall_.unix_ms / 600'000},
                                  .firing = false,
                                  .subject = {},
                                  .name = {},
                                  .received_from = {},
                                  .labels = {},
                                  .annotations = {}});
}

// People answer what waits for them, some of them.
void Run::operate() {
    for (const Incident* incident : loop_->open_incidents()) {
        if (incident->state != IncidentState::waiting_approval || chance_.between(1, 40) != 1) continue;
        const bool yes = chance_.chance(80);
        inbox_.emplace_back(OperatorCommand{yes ? OperatorCommand::Kind::approve : OperatorCommand::Kind::reject,
                                            incident->action_id(), "", "ann"});
        if (yes) approved_[incident->action_id()] = monotonic_;
        probe(yes ? "approved" : "rejected");
    }
}

}  // namespace medic::simulation
