#include "agent/discovery/picture_json.h"

#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/json_internal.h"

namespace medic::discovery {
namespace {

using json_read::array;
using json_read::Json;
using json_read::text;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json links(const std::vector<Link>& all) {
    Json list = Json::array();
    for (const Link& one : all) list.push_back({{"name", one.name}, {"sure", to_string(one.sure)}, {"why", one.why}});
    return list;
}

Json kafka(const Picture& picture) {
    Json brokers = Json::array(), topics = Json::array(), groups = Json::array();
    for (const Broker& one : picture.brokers)
        brokers.push_back({{"id", one.id},
                           {"address", one.address},
                           {"rack", one.rack},
                           {"speaks_like", one.version},
                           {"controller", one.controller},
                           {"reachable", one.reachable},
                           {"partitions", number(one.partitions)},
                           {"leaders", number(one.leaders)},
                           {"bytes", number(one.bytes)}});
    for (const Topic& one : picture.topics)
        topics.push_back({{"name", one.name},
                          {"partitions", one.partitions},
                          {"replication", one.replication},
                          {"bytes", number(one.bytes)},
                          {"internal", one.internal}});
    for (const Group& one : picture.groups)
        groups.push_back({{"id", one.id},
                          {"state", one.state},
                          {"protocol", one.protocol},
                          {"members", one.members},
                          {"lag", number(one.lag)},
                          {"topics", one.topics},
                          {"clients", one.clients},
                          {"belongs_to", one.belongs_to}});
    return {{"cluster_id", picture.kafka_cluster_id},
            {"whole", picture.kafka_whole},
            {"brokers", brokers},
            {"topics", topics},
            {"groups", groups}};
}

Json connect(const Picture& picture) {
    Json workers = Json::array(), connectors = Json::array();
    for (const ConnectWorker& one : picture.workers)
        workers.push_back({{"address", one.address},
                           {"version", one.version},
                           {"listed", one.listed},
                           {"reachable", one.reachable},
                           {"tasks", one.tasks}});
    for (const Connector& one : picture.connectors)
        connectors.push_back({{"name", one.name},
                              {"type", one.type},
                              {"class", one.class_name},
                              {"state", one.state},
                              {"tasks", one.tasks},
                              {"tasks_running", one.tasks_running},
                              {"reads", links(one.reads)},
                              {"writes", links(one.writes)}});
    return {{"whole", picture.connect_whole}, {"workers", workers}, {"connectors", connectors}};
}

Json flink(const Picture& picture) {
    Json clusters = Json::array();
    for (const FlinkCluster& one : picture.flinks) {
        Json managers = Json::array(), jobs = Json::array();
        for (const TaskManager& manager : one.taskmanagers)
            managers.push_back({{"id", manager.id},
                                {"address", manager.address},
                                {"slots", manager.slots},
                                {"free_slots", manager.free_slots}});
        for (const Job& job : one.jobs)
            jobs.push_back({{"name", job.name},
                            {"id", job.id},
                            {"state", job.state},
                            {"parallelism", job.parallelism},
                            {"taskmanagers", job.taskmanagers},
                            {"reads", links(job.reads)},
                            {"writes", links(job.writes)},
                            {"groups", links(job.groups)}});
        clusters.push_back({{"url", one.url},
                            {"version", one.version},
                            {"mode", one.mode},
                            {"reachable", one.reachable},
                            {"taskmanagers", managers},
                            {"jobs", jobs}});
    }
    return {{"whole", picture.flink_whole}, {"clusters", clusters}};
}

std::string_view name_of(Change::Kind kind) {
    switch (kind) {
        case Change::Kind::added: return "added";
        case Change::Kind::by_hand: return "add-by-hand";
        case Change::Kind::gone: return "gone";
        case Change::Kind::unseen: return "unseen";
        case Change::Kind::fresh: return "new";
    }
    return "";
}

}  // namespace

std::string to_json(const Picture& picture, const std::vector<Change>& changes) {
    Json pages = Json::array(), told = Json::array();
    for (const PageLook& one : picture.pages)
        pages.push_back({{"url", one.config.url},
                         {"kind", one.config.kind},
                         {"node", one.config.node},
                         {"bytes", one.bytes},
                         {"samples", one.samples},
                         {"used", one.used}});
    for (const Change& one : changes)
        told.push_back({{"kind", name_of(one.kind)}, {"what", one.what}, {"text", one.text}});
    const Json document = {{"schema", 1},
                           {"cluster", picture.cluster},
                           {"at_unix_ms", picture.at.unix_ms},
                           {"kafka", kafka(picture)},
                           {"connect", connect(picture)},
                           {"flink", flink(picture)},
                           {"pages", pages},
                           {"problems", picture.problems},
                           {"notes", picture.notes},
                           {"changes", told}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Picture> picture_from_json(std::string_view source, const std::string& path) {
    const Json document = foreign_json(source);
    if (!document.is_object() || json_read::integer(document, "schema") != 1 || text(document, "cluster").empty())
        return fail(ErrorCode::invalid, "{}: expected what `medic discover -o json` printed (schema 1)", path);
    Picture picture;
    picture.cluster = text(document, "cluster");
    picture.at.unix_ms = json_read::integer(document, "at_unix_ms").value_or(0);
    static const Json nothing = Json::object();
    const auto part = [&](const char* name) -> const Json& {
        const Json* found = json_read::member(document, name);
        return found == nullptr ? nothing : *found;
    };
    for (const Json& one : array(part("kafka"), "brokers"))
        picture.brokers.push_back({.id = text(one, "id"), .address = text(one, "address"), .rack = "", .version = ""});
    for (const Json& one : array(part("kafka"), "topics")) picture.topics.push_back({.name = text(one, "name")});
    for (const Json& one : array(part("kafka"), "groups"))
        picture.groups.push_back({.id = text(one, "id"), .state = "", .protocol = "", .belongs_to = ""});
    for (const Json& one : array(part("connect"), "workers"))
        picture.workers.push_back({.address = text(one, "address"), .version = ""});
    for (const Json& one : array(part("connect"), "connectors"))
        picture.connectors.push_back({.name = text(one, "name"), .type = "", .class_name = "", .state = ""});
    for (const Json& cluster : array(part("flink"), "clusters")) {
        FlinkCluster flink{.url = text(cluster, "url"), .version = "", .mode = ""};
        for (const Json& job : array(cluster, "jobs"))
            flink.jobs.push_back({.name = text(job, "name"), .id = text(job, "id"), .state = text(job, "state")});
        picture.flinks.push_back(std::move(flink));
    }
    return picture;
}

}  // namespace medic::discovery
