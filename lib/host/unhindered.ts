/**
 * Telling others from within work that has to go on, or from a call of the native part, behind which Node drops errors.
 *
 * What a listener throws, an `error` event without one included, is an uncaught exception as from any emitter, and no
 * failure of whoever found the news.
 */
export function unhindered<News extends unknown[]>(tell: (...news: News) => void): (...news: News) => void {
  return (...news) => {
    try {
      tell(...news);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
}
