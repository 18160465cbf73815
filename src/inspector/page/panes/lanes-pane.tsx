/** The lanes of the actors, one a line over time. */
export function LanesPane() {
  return <section class="pane pane-lanes" aria-label="Lanes" />;
}
