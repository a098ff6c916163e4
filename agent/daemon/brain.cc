#include "agent/daemon/brain.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "classifiers/diagnosis/embedded/embedded.h"
#include "classifiers/diagnosis/planned.h"

namespace medic {

namespace {

// What somebody has silenced is diagnosed as ever; who did it, until when and why stands with it.
void hint_at_silences(const std::vector<ClusterSilences>& silences, DiagnosisReport& report) {
    constexpr std::size_t told_max = 5;  // Of one diagnosis.
    for (Diagnosis& one : report.diagnoses) {
        const auto mine = std::ranges::find(silences, one.subject.cluster, &ClusterSilences::cluster);
        if (mine == silences.end()) continue;
        std::size_t told = 0;
        for (const Silence& silence : mine->active) {
            if ((silence.until && *silence.until <= report.at) ||
                !concerns(silence, labels_of(one.subject, mine->also_called)) || ++told > told_max)
                continue;
            const Evidence evidence{"event", "silence:" + silence.id, spoken(silence), 0, silence.since};
            one.evidence.push_back(evidence);
            report.planned.push_back({.id = std::string(planned_work_id),
                                      .subject = one.subject,
                                      .since = silence.since,
                                      .weight = 1,
                                      .summary = to_string(one.subject) + " is " + evidence.text,
                                      .fields = {{"kind", "silence"}, {"explains", "false"}},
                                      .evidence = {evidence}});
        }
    }
}

bool is_rule_file(std::string_view path) {
    return path.find("symptoms/") != std::string_view::npos && path.ends_with(".yaml") && !path.ends_with("_test.yaml");
}

Result<RuleSet> load_rules(const std::string& directory) {
    std::vector<RuleFileText> files;
    if (directory.empty()) {
        for (const EmbeddedFile& file : embedded_rule_files())
            if (is_rule_file(file.path)) files.push_back({std::string(file.path), std::string(file.text)});
        return RuleSet::parse(files);
    }
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(directory) / "symptoms", error)) {
        const std::string path = entry.path().string();
        if (!is_rule_file(path)) continue;
        std::ifstream in(path);
        std::stringstream text;
        text << in.rdbuf();
        files.push_back({path, text.str()});
    }
    if (error) return fail(ErrorCode::invalid, "{}/symptoms: {}", directory, error.message());
    std::ranges::sort(files, {}, &RuleFileText::path);
    return RuleSet::parse(files);
}

KnownIds known_ids(const RuleSet& rules, const std::vector<std::string>& remedies) {
    KnownIds known;
    for (const RuleGroup& group : rules.groups())
        for (const Rule& rule : group.rules)
            if (rule.kind == Rule::Kind::alert) known.symptoms.push_back(rule.name);
    for (const auto& analyzer : analyzers::all_analyzers())
        for (const auto finding : analyzer.findings) known.findings.emplace_back(finding);
    known.remedies = remedies;
    known.check_remedies = !remedies.empty();
    return known;
}

}  // namespace

BrainOptions brain_options_of(const Config& config, const std::string& rules_directory) {
    return {.rules_directory = rules_directory,
            .remedies = {},
            .cluster_default = config.clusters.size() == 1 ? config.clusters[0].name : "",
            .interval = config.intervals.evaluate,
            .planned_grace = config.intervals.planned_grace,
            .diagnoser = {}};
}

Result<std::unique_ptr<Brain>> Brain::make(const BrainOptions& options) {
    MEDIC_TRY(RuleSet rules, load_rules(options.rules_directory));
    const KnownIds known = known_ids(rules, options.remedies);
    MEDIC_TRY(Catalogue catalogue, options.rules_directory.empty()
                                       ? Catalogue::load_embedded(known)
                                       : Catalogue::load_directory(options.rules_directory, known));
    Diagnoser diagnoser{std::move(catalogue), options.diagnoser};
    RuleEngineOptions engine;
    engine.cluster_default = options.cluster_default;
    engine.interval_default = options.interval;
    return std::unique_ptr<Brain>(
        new Brain(std::make_unique<RuleEngine>(std::move(rules), engine), std::move(diagnoser), options.planned_grace));
}

DiagnosisReport Brain::evaluate(Knowledge& knowledge, const Now& now) {
    DiagnosisReport report;
    report.at = now.wall;
    report.symptoms = rules_->evaluate(knowledge.series(), now);
    const std::vector<Symptom> symptoms = rules_->symptoms();
    View view{.series = knowledge.series(),
              .timeline = knowledge.timeline(),
              .topology = knowledge.topology(),
              .symptoms = symptoms,
              .findings = {},
              .planned_grace = planned_grace_};
    const std::vector<Finding> findings = analyzers_.analyze(view, now);
    doubts_ = analyzers_.doubts(view, now);
    view.findings = findings;
    for (const Finding& finding : findings)
        if (finding.id == planned_work_id) report.planned.push_back(finding);
    report.diagnoses = diagnoser_.diagnose(view, now);
    if (!report.diagnoses.empty()) hint_at_silences(knowledge.silences(), report);
    report.blind_targets = knowledge.blind_targets(now.wall);
    report.targets_total = knowledge.targets();
    return report;
}

}  // namespace medic
