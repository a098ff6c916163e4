#include "agent/advice/advise.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <fmt/core.h>
#include <fmt/format.h>

namespace medic::advice {
namespace {

using List = std::vector<Advice>;

// Ratios below are of time since the attempt began; a young attempt says little.
constexpr double young_ms = 60'000;
constexpr double hardly_busy = 0.1, quite_busy = 0.5;
// A JVM thread per subtask and vertex: a slot holds one of each vertex, so this many slots a core is plenty.
constexpr double subtasks_per_core_max = 40;
constexpr int repeated_branches_min = 4;
constexpr double jobmanager_state_max = 5.0 * 1024 * 1024;  // The default of its memory limit for state.

double sum_busy(const Vertex& vertex) {
    double busy = 0, running = 0;
    for (const auto& subtask : vertex.subtasks) {
        if (!subtask.busy_ms || subtask.running_ms < young_ms) return -1;
        busy += *subtask.busy_ms;
        running += subtask.running_ms;
    }
    return running > 0 ? busy / running : -1;
}

std::string percent(double ratio) { return fmt::format("{:.0f} %", ratio * 100); }

// A thousand subtasks on ten cores: threads that only take turns.
void too_many_subtasks(const JobShape& job, List& out) {
    int subtasks = 0;
    for (const auto& vertex : job.vertices) subtasks += vertex.parallelism;
    if (!job.cpu_cores || *job.cpu_cores <= 0) return;
    const double each = static_cast<double>(subtasks) / *job.cpu_cores;
    if (each <= subtasks_per_core_max) return;
    out.push_back({"too-many-subtasks", Weight::warning, "job",
                   fmt::format("{} subtasks run on {} cores: {:.0f} a core, each a thread with buffers of its own",
                               subtasks, *job.cpu_cores, each),
                   "lower the parallelism of what is hardly busy, and merge vertices that can be chained",
                   fmt::format("network buffers and barriers fall with the number of channels, by up to {:.0f} times",
                               each / subtasks_per_core_max)});
}

void needless_shuffles(const JobShape& job, List& out) {
    for (const auto& vertex : job.vertices) {
        for (const auto& edge : vertex.inputs) {
            const Vertex* from = job.vertex(edge.from);
            if (from == nullptr || from->parallelism != vertex.parallelism || edge.strategy != "REBALANCE") continue;
            out.push_back({"needless-shuffle", Weight::advice, vertex.name,
                           fmt::format("records are dealt out round-robin (REBALANCE) from {}, though both have "
                                       "parallelism {}",
                                       from->name, vertex.parallelism),
                           "leave out rebalance() unless its input is skewed: both then form one chain",
                           fmt::format("no serialization and no network between them; {} of {} channels less",
                                       vertex.parallelism * from->parallelism - vertex.parallelism,
                                       vertex.parallelism * from->parallelism)});
        }
    }
}

// A change of parallelism in mid-stream that nobody asked for breaks the chain.
void uneven_parallelism(const JobShape& job, List& out) {
    for (const auto& vertex : job.vertices) {
        for (const auto& edge : vertex.inputs) {
            const Vertex* from = job.vertex(edge.from);
            if (from == nullptr || from->parallelism == vertex.parallelism || edge.strategy == "HASH" ||
                edge.strategy == "BROADCAST" || edge.strategy == "GLOBAL")
                continue;
            out.push_back(
                {"uneven-parallelism", Weight::note, vertex.name,
                 fmt::format("its parallelism is {} after {} of {}: the two can't be chained and every record "
                             "crosses the network ({})",
                             vertex.parallelism, from->parallelism, from->name, edge.strategy),
                 "give both the same parallelism unless the difference is meant", ""});
        }
    }
}

void idle_vertices(const JobShape& job, List& out) {
    for (const auto& vertex : job.vertices) {
        const double busy = sum_busy(vertex);
        if (busy < 0 || busy >= hardly_busy || vertex.parallelism < 4) continue;
        const int enough = std::max(1, static_cast<int>(vertex.parallelism * busy / quite_busy) + 1);
        if (enough * 2 > vertex.parallelism) continue;
        out.push_back({"hardly-busy", Weight::note, vertex.name,
                       fmt::format("its {} subtasks are busy {} of the time", vertex.parallelism, percent(busy)),
                       fmt::format("parallelism {} would keep it below {}", enough, percent(quite_busy)),
                       fmt::format("{} subtasks less", vertex.parallelism - enough)});
    }
}

// After a key-by some subtasks get nothing: fewer keys than subtasks.
void few_keys(const JobShape& job, List& out) {
    for (const auto& vertex : job.vertices) {
        const bool keyed = std::ranges::any_of(vertex.inputs, [](const Edge& edge) { return edge.strategy == "HASH"; });
        if (!keyed || vertex.subtasks.size() < 2) continue;
        std::size_t empty = 0;
        bool known = true, flows = false;
        for (const auto& subtask : vertex.subtasks) {
            known = known && subtask.records_in.has_value() && subtask.running_ms >= young_ms;
            if (!known) break;
            empty += *subtask.records_in == 0;
            flows = flows || *subtask.records_in > 100;
        }
        if (!known || !flows || empty == 0) continue;
        out.push_back({"few-keys", Weight::advice, vertex.name,
                       fmt::format("{} of its {} subtasks have not got one record: there are fewer keys than subtasks, "
                                   "or they fall into few key groups",
                                   empty, vertex.subtasks.size()),
                       "key by something with more values, or aggregate in two steps (a salted key, then the key)",
                       fmt::format("work for {} more subtasks", empty)});
    }
}

void max_parallelism(const JobShape& job, List& out) {
    for (const auto& vertex : job.vertices) {
        if (vertex.max_parallelism <= 0 || vertex.parallelism <= 0) continue;
        if (vertex.parallelism * 2 > vertex.max_parallelism) {
            out.push_back({"max-parallelism-near", Weight::warning, vertex.name,
                           fmt::format("parallelism {} of at most {}: it can't be doubled, and the limit can't be "
                                       "raised without losing the state",
                                       vertex.parallelism, vertex.max_parallelism),
                           "set pipeline.max-parallelism before the state grows: a number with many divisors, such as "
                           "720 or 5040",
                           ""});
        } else if (vertex.max_parallelism % vertex.parallelism != 0 && vertex.parallelism > 8 &&
                   vertex.max_parallelism / vertex.parallelism < 8) {
            const int least = vertex.max_parallelism / vertex.parallelism;
            out.push_back(
                {"key-groups-uneven", Weight::note, vertex.name,
                 fmt::format("{} key groups over {} subtasks: some have {}, some {}, {} more work",
                             vertex.max_parallelism, vertex.parallelism, least, least + 1, percent(1.0 / least)),
                 fmt::format("a parallelism that divides {}", vertex.max_parallelism), ""});
        }
    }
}

// "Filter(alarm = 7)" and "Filter(alarm = 12)" are the same but for what is written in them.
std::string without_literals(const std::string& text) {
    std::string out;
    bool quoted = false;
    for (const char c : text) {
        if (c == '\'' || c == '"') quoted = !quoted;
        if (quoted) continue;
        if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
            if (out.empty() || out.back() != '#') out += '#';
        } else {
            out += c;
        }
    }
    return out;
}

void repeated_branches(const JobShape& job, List& out) {
    std::map<std::pair<std::string, std::string>, std::vector<const Vertex*>> branches;
    for (const auto& vertex : job.vertices)
        for (const auto& edge : vertex.inputs)
            branches[{edge.from, without_literals(vertex.name + vertex.description)}].push_back(&vertex);
    for (const auto& [key, vertices] : branches) {
        if (vertices.size() < repeated_branches_min) continue;
        const Vertex* from = job.vertex(key.first);
        int subtasks = 0;
        for (const auto* one : vertices) subtasks += one->parallelism;
        out.push_back({"repeated-branches", Weight::advice, vertices.front()->name,
                       fmt::format("{} branches after {} differ only by the values in them, with {} subtasks in all: "
                                   "every record is sent to each of them",
                                   vertices.size(), from == nullptr ? "one vertex" : from->name, subtasks),
                       "one branch that is keyed by that value, or one for each window size with the value in the key",
                       fmt::format("{} times fewer copies of each record", vertices.size())});
    }
}

void checkpoint_times(const Checkpointing& checkpoints, List& out) {
    if (!checkpoints.interval_ms || !checkpoints.usual_ms) return;
    const auto interval = static_cast<double>(*checkpoints.interval_ms);
    if (*checkpoints.usual_ms > 0.5 * interval && checkpoints.min_pause_ms.value_or(0) == 0)
        out.push_back({"checkpoints-back-to-back", Weight::warning, "job",
                       fmt::format("a checkpoint usually takes {:.0f} ms of an interval of {:.0f} ms, without a pause "
                                   "between two",
                                   *checkpoints.usual_ms, interval),
                       "a longer interval, and a minimum pause of at least half of it",
                       "the job works instead of snapshotting all the time"});
    if (checkpoints.timeout_ms && checkpoints.longest_ms &&
        *checkpoints.longest_ms > 0.7 * static_cast<double>(*checkpoints.timeout_ms))
        out.push_back({"checkpoint-timeout-near", Weight::warning, "job",
                       fmt::format("the longest checkpoint took {:.0f} ms, the time-out is {} ms",
                                   *checkpoints.longest_ms, *checkpoints.timeout_ms),
                       "find what makes it slow (start delay: backpressure; alignment: skew; async part: storage), or "
                       "raise the time-out before it fails",
                       ""});
}

void checkpointing(const JobShape& job, List& out) {
    const Checkpointing& checkpoints = job.checkpoints;
    if (!checkpoints.enabled) return;  // Nobody told.
    if (!*checkpoints.enabled) {
        out.push_back({"no-checkpoints", Weight::warning, "job",
                       "checkpoints are off: after a failure the job begins with empty state",
                       "set execution.checkpointing.interval", ""});
        return;
    }
    checkpoint_times(checkpoints, out);
    if (checkpoints.storage == "JobManagerCheckpointStorage")
        out.push_back({"checkpoints-in-memory",
                       checkpoints.size_bytes.value_or(0) > jobmanager_state_max / 2 ? Weight::warning : Weight::advice,
                       "job",
                       "checkpoints are kept in the job manager's memory: they end with it, and state over 5 MB fails",
                       "set execution.checkpointing.dir to a folder that outlives the cluster", ""});
    if (checkpoints.kept_on_cancel == false)
        out.push_back({"checkpoints-not-kept", Weight::note, "job",
                       "checkpoints are deleted when the job is cancelled: a roll-back then needs an older savepoint",
                       "set execution.checkpointing.externalized-checkpoint-retention to RETAIN_ON_CANCELLATION", ""});
}

}  // namespace

std::string_view to_string(Weight weight) {
    switch (weight) {
        case Weight::note: return "note";
        case Weight::advice: return "advice";
        case Weight::warning: return "warning";
    }
    return "advice";
}

std::vector<Advice> advise(const JobShape& job) {
    List out;
    too_many_subtasks(job, out);
    repeated_branches(job, out);
    needless_shuffles(job, out);
    uneven_parallelism(job, out);
    few_keys(job, out);
    idle_vertices(job, out);
    max_parallelism(job, out);
    checkpointing(job, out);
    std::ranges::stable_sort(out, [](const Advice& a, const Advice& b) { return a.weight > b.weight; });
    return out;
}

}  // namespace medic::advice
