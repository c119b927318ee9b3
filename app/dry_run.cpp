#include "app/dry_run.hpp"

#include "edge/follow/applied.hpp"

#include <iterator>

namespace tidemark::app
{
void survey_would_hit(worker::Survey& survey, const serve::Sites& sites,
                      const std::vector<journal::Draft>& drafts, admin::WouldHitDone done)
{
    std::vector<purge::Invalidation> orders;
    for (const journal::Draft& draft : drafts) {
        purge::Message message;
        message.version = 1;
        message.site = draft.site;
        message.body = draft.body;
        std::ranges::move(follow::invalidations_of(message, sites), std::back_inserter(orders));
    }
    survey.count(orders, [done = std::move(done),
                          name = sites.settings().name](const worker::Surveyed& found) {
        done({{name, found.responses, found.bytes}});
    });
}
} // namespace tidemark::app
