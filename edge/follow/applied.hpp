#pragma once
#include "edge/serve/site.hpp"
#include "purge/compact.hpp"
#include "purge/message.hpp"
#include "purge/state.hpp"

#include <vector>

namespace tidemark::follow
{
// What a message means to this edge. Selectors travel as their author wrote them; here they take
// the form that stored responses are known by: URLs through the key rules of the site that serves
// them, hosts in lower case. What cannot be read as its scope covers nothing and is left out.
//
// refresh with max_stale is soft, without it hard; a push is hard on its URI. A message for one
// site, named by any of its hosts or its label, is for that site's label; one for a site that is
// not served here means nothing. After a reload a message means both, what it means to the new
// sites and to those by which somebody still serves.
[[nodiscard]] std::vector<purge::Invalidation> invalidations_of(const purge::Message& message,
                                                                const serve::Sites& sites);
// The same, behind what `into` holds already: for many messages in a row.
void append_invalidations(std::vector<purge::Invalidation>& into, const purge::Message& message,
                          const serve::Sites& sites);
// What a snapshot stands for, as orders; of a soft one no allowance is left.
[[nodiscard]] std::vector<purge::Invalidation> invalidations_of(const purge::CompactState& snapshot,
                                                                const serve::Sites& sites);
} // namespace tidemark::follow
