#include "agent/cli/discover_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agent/base/plain_text.h"
#include "agent/cli/table.h"

namespace medic::cli {

using namespace discovery;

namespace {

constexpr std::size_t rows_short = 20;

std::string count(std::size_t number, const std::string& what) {
    return fmt::format("{} {}{}", number_text(static_cast<double>(number)), what, number == 1 ? "" : "s");
}

std::string mark(const Link& link) {
    switch (link.sure) {
        case Sure::told: return link.name;
        case Sure::likely: return link.name + " ~";
        case Sure::guess: return link.name + " ?";
    }
    return link.name;
}

std::string links_text(const std::vector<Link>& links, std::size_t max) {
    std::vector<std::string> names;
    for (const Link& one : links) names.push_back(mark(one));
    return listed(names, max);
}

std::string number_or_blank(const std::optional<double>& value) { return value ? number_text(*value) : "?"; }

// What nobody told is not zero: the headline says how much of the number is missing.
std::string size_of(const std::vector<Broker>& brokers) {
    double bytes = 0;
    std::size_t silent = 0;
    for (const Broker& one : brokers) {
        bytes += one.bytes.value_or(0);
        if (!one.bytes) ++silent;
    }
    if (silent == 0) return bytes_text(bytes);
    if (silent == brokers.size()) return "size not known";
    return fmt::format("at least {}, {} not told", bytes_text(bytes), count(silent, "broker"));
}

std::string jobs_of(const std::vector<FlinkCluster>& clusters) {
    std::size_t jobs = 0, silent = 0;
    for (const FlinkCluster& one : clusters) {
        jobs += one.jobs.size();
        if (!one.reachable) ++silent;
    }
    if (silent == 0) return count(jobs, "job");
    if (silent == clusters.size()) return "jobs not known";
    return fmt::format("at least {}, {} not told", count(jobs, "job"), count(silent, "cluster"));
}

class Painter {
public:
    Painter(const Picture& picture, bool wide)
        : picture_(picture), wide_(wide), rows_max_(wide ? SIZE_MAX : rows_short) {}

    std::string paint_all() {
        head();
        brokers();
        topics();
        groups();
        connect();
        for (const FlinkCluster& one : picture_.flinks) flink(one);
        pages();
        whys();
        ends();
        return std::move(out_);
    }

private:
    void section(const std::string& name, const Table& table, std::size_t of) {
        if (of == 0) return;
        const std::string cut = table.size() < of ? fmt::format(" ({} of {}; all with -o wide)", table.size(), of) : "";
        out_ += "\n" + paint(name, Tone::strong) + cut + "\n" + table.text();
    }

    void head() {
        std::vector<std::string> parts;
        if (!picture_.brokers.empty())
            parts.push_back(fmt::format("Kafka {}, {} ({}), {}", count(picture_.brokers.size(), "broker"),
                                        count(picture_.topics.size(), "topic"), size_of(picture_.brokers),
                                        count(picture_.groups.size(), "group")));
        if (!picture_.workers.empty())
            parts.push_back(fmt::format("Connect {}, {}", count(picture_.workers.size(), "worker"),
                                        count(picture_.connectors.size(), "connector")));
        if (!picture_.flinks.empty())
            parts.push_back(
                fmt::format("Flink {}, {}", count(picture_.flinks.size(), "cluster"), jobs_of(picture_.flinks)));
        out_ += paint(picture_.cluster, Tone::strong) + "  ";
        for (std::size_t i = 0; i < parts.size(); ++i) out_ += (i == 0 ? "" : " · ") + parts[i];
        out_ += parts.empty() ? "nothing was found\n" : "\n";
    }

    void brokers() {
        Table table({"ID", "ADDRESS", "RACK", "SPEAKS LIKE", "LEADERS>", "REPLICAS>", "SIZE>", ""});
        for (const Broker& one : picture_.brokers) {
            if (table.size() >= rows_max_) break;
            table.row({one.id, one.address, one.rack, one.version.empty() ? "" : "Kafka " + one.version,
                       number_or_blank(one.leaders), number_or_blank(one.partitions),
                       one.bytes ? bytes_text(*one.bytes) : "?",
                       !one.reachable   ? "does not answer"
                       : one.controller ? "controller"
                                        : ""},
                      one.reachable ? Tone::plain : Tone::bad);
        }
        section("BROKERS", table, picture_.brokers.size());
    }

    void topics() {
        std::map<std::string, std::vector<std::string>> readers, writers;
        for (const Connector& one : picture_.connectors) {
            for (const Link& link : one.reads)
                readers[link.name].push_back(mark({"connector/" + one.name, link.sure, ""}));
            for (const Link& link : one.writes)
                writers[link.name].push_back(mark({"connector/" + one.name, link.sure, ""}));
        }
        for (const FlinkCluster& flink : picture_.flinks)
            for (const Job& job : flink.jobs) {
                for (const Link& link : job.reads)
                    readers[link.name].push_back(mark({"job/" + job.name, link.sure, ""}));
                for (const Link& link : job.writes)
                    writers[link.name].push_back(mark({"job/" + job.name, link.sure, ""}));
            }
        for (const Group& one : picture_.groups)
            if (one.belongs_to.empty())
                for (const std::string& topic : one.topics) readers[topic].push_back("group/" + one.id);
        std::vector<const Topic*> shown;
        for (const Topic& one : picture_.topics)
            if (wide_ || !one.internal) shown.push_back(&one);
        std::ranges::stable_sort(shown, std::greater{}, [](const Topic* one) { return one->bytes.value_or(0); });
        Table table({"NAME", "PARTITIONS>", "RF>", "SIZE>", "WRITTEN BY", "READ BY"});
        constexpr std::size_t names_max = 3;
        for (const Topic* one : shown) {
            if (table.size() >= rows_max_) break;
            table.row({one->name, std::to_string(one->partitions),
                       one->replication > 0 ? std::to_string(one->replication) : "?",
                       one->bytes ? bytes_text(*one->bytes) : "?",
                       listed(writers[one->name], wide_ ? SIZE_MAX : names_max),
                       listed(readers[one->name], wide_ ? SIZE_MAX : names_max)});
        }
        section(wide_ ? "TOPICS, largest first" : "TOPICS, largest first, without internal ones", table, shown.size());
    }

    void groups() {
        Table table({"GROUP", "STATE", "MEMBERS>", "LAG>", "READS", "BELONGS TO", wide_ ? "CLIENTS" : ""});
        for (const Group& one : picture_.groups) {
            if (table.size() >= rows_max_) break;
            table.row({one.id, one.state, std::to_string(one.members), one.lag ? number_text(*one.lag) : "",
                       listed(one.topics, wide_ ? SIZE_MAX : 3), one.belongs_to, wide_ ? listed(one.clients, 8) : ""});
        }
        section("GROUPS", table, picture_.groups.size());
    }

    void connect() {
        Table workers({"WORKER", "VERSION", "TASKS>", ""});
        for (const ConnectWorker& one : picture_.workers)
            workers.row({one.address, one.version, std::to_string(one.tasks),
                         !one.listed     ? "not given: known from its tasks"
                         : one.reachable ? ""
                                         : "does not answer"},
                        one.listed && !one.reachable ? Tone::bad
                        : one.listed                 ? Tone::plain
                                                     : Tone::warn);
        section("CONNECT WORKERS", workers, picture_.workers.size());
        Table table({"CONNECTOR", "TYPE", "STATE", "TASKS>", "READS", "WRITES", wide_ ? "CLASS" : ""});
        for (const Connector& one : picture_.connectors) {
            if (table.size() >= rows_max_) break;
            const bool good = one.state == "RUNNING" && one.tasks == one.tasks_running;
            table.row({one.name, one.type, one.state, fmt::format("{}/{}", one.tasks_running, one.tasks),
                       links_text(one.reads, 4), links_text(one.writes, 4), wide_ ? one.class_name : ""},
                      good ? Tone::plain : Tone::warn);
        }
        section("CONNECTORS", table, picture_.connectors.size());
    }

    void flink(const FlinkCluster& flink) {
        std::string name = "FLINK " + flink.url;
        if (!flink.reachable) {
            out_ += "\n" + paint(name + " does not answer", Tone::bad) + "\n";
            return;
        }
        std::size_t slots = 0, free = 0;
        for (const TaskManager& one : flink.taskmanagers) {
            slots += one.slots;
            free += one.free_slots;
        }
        name += fmt::format("  {}{}{}, {} of {} slots free", flink.version,
                            flink.mode.empty() ? ", " : ", " + flink.mode + " mode, ",
                            count(flink.taskmanagers.size(), "task manager"), free, slots);
        Table table({"JOB", "STATE", "PARALLELISM>", "TASK MANAGERS", "READS", "WRITES", "GROUP"});
        for (const Job& one : flink.jobs) {
            if (table.size() >= rows_max_) break;
            table.row({one.name, one.state, one.parallelism > 0 ? std::to_string(one.parallelism) : "",
                       listed(one.taskmanagers, wide_ ? SIZE_MAX : 2), links_text(one.reads, 4),
                       links_text(one.writes, 4), links_text(one.groups, 2)},
                      one.state == "RUNNING" || one.state == "FINISHED" ? Tone::plain : Tone::warn);
        }
        if (flink.jobs.empty()) out_ += "\n" + paint(name, Tone::strong) + "\n  no job\n";
        section(name, table, flink.jobs.size());
        if (!wide_) return;
        Table managers({"TASK MANAGER", "ADDRESS", "SLOTS>", "FREE>"});
        for (const TaskManager& one : flink.taskmanagers)
            managers.row({one.id, one.address, std::to_string(one.slots), std::to_string(one.free_slots)});
        if (!managers.empty()) out_ += managers.text();
    }

    void pages() {
        Table table({"PAGE", "KIND", "NODE", "SIZE>", "SAMPLES>", "USED>", "TOOK>"});
        for (const PageLook& one : picture_.pages)
            table.row({one.config.url, one.config.kind, one.config.node.empty() ? "?" : one.config.node,
                       bytes_text(static_cast<double>(one.bytes)), number_text(static_cast<double>(one.samples)),
                       number_text(static_cast<double>(one.used)), fmt::format("{} ms", one.took.count())},
                      one.error.empty() ? Tone::plain : Tone::bad);
        section("METRIC PAGES", table, picture_.pages.size());
    }

    // Why each link that the product did not tell outright is believed.
    void whys() {
        Table table({"LINK", "SURE", "WHY"});
        bool any = false;
        const auto tell = [&](const std::string& subject, const char* verb, const std::vector<Link>& links) {
            for (const Link& one : links) {
                any = any || one.sure != Sure::told;
                table.row({subject + " " + verb + " " + one.name, std::string(to_string(one.sure)), one.why});
            }
        };
        for (const Connector& one : picture_.connectors) {
            tell("connector/" + one.name, "reads", one.reads);
            tell("connector/" + one.name, "writes", one.writes);
        }
        for (const FlinkCluster& flink : picture_.flinks)
            for (const Job& job : flink.jobs) {
                tell("job/" + job.name, "reads", job.reads);
                tell("job/" + job.name, "writes", job.writes);
                tell("job/" + job.name, "commits as", job.groups);
            }
        if (wide_)
            section("HOW SURE", table, table.size());
        else if (any)
            out_ += "\n" + paint("~ likely, ? a guess: -o wide says why", Tone::faint) + "\n";
    }

    void ends() {
        for (const auto& [name, lines, tone] :
             {std::tuple{"NOT SEEN", &picture_.problems, Tone::bad}, std::tuple{"NOTE", &picture_.notes, Tone::warn}}) {
            if (lines->empty()) continue;
            out_ += "\n" + paint(name, tone) + "\n";
            for (const std::string& line : *lines) out_ += "  " + plain_text(line) + "\n";
        }
    }

    const Picture& picture_;
    bool wide_;
    std::size_t rows_max_;
    std::string out_;
};

}  // namespace

std::string text_of(const Picture& picture, bool wide) { return Painter(picture, wide).paint_all(); }

std::string text_of(const std::vector<Change>& changes) {
    using Kind = Change::Kind;
    static constexpr std::tuple<Kind, const char*, Tone> parts[] = {
        {Kind::added, "NEW, in the patch", Tone::good},
        {Kind::by_hand, "NEW, to be added by hand", Tone::warn},
        {Kind::fresh, "NEW", Tone::good},
        {Kind::gone, "GONE (no fault: its cluster is healthy)", Tone::plain},
        {Kind::unseen, "NOT SEEN NOW (says nothing yet)", Tone::warn}};
    std::string out;
    for (const auto& [kind, name, tone] : parts) {
        Table table({"WHAT", "WHERE"});
        for (const Change& one : changes)
            if (one.kind == kind) table.row({one.what, one.text});
        if (table.empty()) continue;
        const std::string text = table.text();
        out += "\n" + paint(name, tone) + "\n" + text.substr(text.find('\n') + 1);
    }
    return out.empty() ? "\nnothing has changed\n" : out;
}

}  // namespace medic::cli
