#include "app/journal_command.hpp"

#include "journal/tool.hpp"

#include <cstdio>

namespace tidemark::app
{
namespace
{
Result<journal::JournalSummary, std::string> perform(const JournalCommand& command)
{
    switch (command.action) {
    case JournalCommand::Action::export_to:
        return journal::export_journal(command.data, command.file);
    case JournalCommand::Action::import_from:
        return journal::import_journal(command.file, command.data);
    case JournalCommand::Action::verify:
        break;
    }
    return journal::verify_journal(command.data);
}
} // namespace

int run_journal(const JournalCommand& command)
{
    const auto summary = perform(command);
    if (!summary) {
        std::fprintf(stderr, "tidemark: %s\n", summary.error().c_str());
        return 1;
    }
    std::printf("journal %016llx: versions %llu to %llu, %llu record(s), %zu edge(s)\n",
                static_cast<unsigned long long>(summary->id),
                static_cast<unsigned long long>(summary->base + 1),
                static_cast<unsigned long long>(summary->last),
                static_cast<unsigned long long>(summary->records), summary->edges);
    for (const std::string& damage : summary->damage)
        std::printf("damaged: %s\n", damage.c_str());
    return summary->damage.empty() ? 0 : 1;
}
} // namespace tidemark::app
